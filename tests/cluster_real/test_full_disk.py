"""A node's disk gets full: writes that need it are refused by name and at once, all else goes on, and it ends by itself."""
import http.client
import json
import time
import unittest

from harness import PATIENT, ClusterTest, check_all, content, figure, run_cli, wait_for
from small_disk import SmallDisk, own_mounts

DISK_MIB = 200  # the store keeps 64 MiB in reserve, and segments of 16 MiB for deletes and for compaction
SIZES = (900_000, 30_000, 1_300_000)  # in segments, in segments, a file each
QUICK_SECONDS = 3


class FullDisk(ClusterTest):
    def setUp(self):
        if not own_mounts():
            self.skipTest("needs root, to mount a small file system")

    def make_disk(self, name):
        disk = SmallDisk(f"{self.root}/{name}", DISK_MIB)
        self.addCleanup(disk.close)
        return disk

    def put(self, node, key, size):
        began = time.monotonic()
        answer = node.request("PUT", f"/o/{key}", content(key, size), timeout=30)
        self.assertLess(time.monotonic() - began, QUICK_SECONDS, f"{key} at {node.name}: {answer!r} took its time")
        return answer

    def check_refusal(self, answer, full):
        self.assertEqual((answer.status, answer.problem()), (507, "no-space"), answer)
        self.assertIn(full.name, json.loads(answer.body)["detail"].replace(",", " ").split(), answer)

    def fill(self, nodes, full, prefix, stored):
        """PUTs by turns at all nodes until 20 in a row that need the full one's disk are refused."""
        refused, count = 0, 0
        while refused < 20:
            count += 1
            key, size = f"{prefix}/{count}", SIZES[count % len(SIZES)]
            needs_full = full.name in {name for copy in nodes[0].locate(key)["replicas"] for name in [copy["owner"]]}
            answer = self.put(nodes[count % len(nodes)], key, size)
            if answer.status == 201:
                stored[key] = size
                refused = 0 if needs_full and size > 100_000 else refused
            else:
                self.assertTrue(needs_full, f"{key} has no copy on {full.name}: {answer!r}")
                self.check_refusal(answer, full)
                refused += 1
            self.assertLess(count, 3000, "the disk never gets full")

    def test_a_node_alone(self):
        disk = self.make_disk("n1")
        cluster = self.make_cluster(1, settings=("redundancy=1", "min_redundancy=1", "retention=0s", *PATIENT))
        node, stored = cluster.nodes[0], {}
        self.fill(cluster.nodes, node, "first", stored)
        figure("alone_full_at_mib", round(sum(stored.values()) / 2**20))
        figure("alone_free_when_full_mib", round(disk.free_mib()))
        self.assertGreater(disk.free_mib(), 30, "nothing was kept in reserve")
        check_all(cluster.nodes, stored)
        self.assertEqual(run_cli("status", "--node", node.url).returncode, 0)
        self.assertTrue(node.is_ready())
        # Deletes give the space back.
        for key in list(stored)[::2]:
            self.assertEqual(node.request("DELETE", f"/o/{key}").status, 204, key)
            del stored[key]
        began = time.monotonic()
        for size in SIZES:
            wait_for(f"space for {size} bytes", 60, lambda s=size: self.put(node, f"freed/{s}", s).status in (200, 201))
            stored[f"freed/{size}"] = size
        figure("alone_puts_again_after_deletes_ms", round(1000 * (time.monotonic() - began)))
        self.fill(cluster.nodes, node, "second", stored)
        disk.resize(DISK_MIB + 100)
        began = time.monotonic()
        for size in SIZES:
            wait_for(f"space for {size} bytes", 60, lambda s=size: self.put(node, f"grown/{s}", s).status in (200, 201))
            stored[f"grown/{size}"] = size
        figure("alone_puts_again_after_growing_ms", round(1000 * (time.monotonic() - began)))
        check_all(cluster.nodes, stored)
        # The same after a start on a disk that is full.
        self.fill(cluster.nodes, node, "third", stored)
        self.assertEqual(node.stop(), 0)
        node.start()
        node.wait_ready()
        check_all(cluster.nodes, stored)

    def test_one_of_three(self):
        disk = self.make_disk("n2")
        cluster = self.make_cluster(3, settings=("retention=0s", *PATIENT))
        full, stored = cluster.nodes[1], {}
        self.fill(cluster.nodes, full, "first", stored)
        figure("three_full_at_mib", round(sum(stored.values()) / 2**20))
        figure("three_free_when_full_mib", round(disk.free_mib()))
        check_all(cluster.nodes, stored)
        changed = run_cli("settings", "grace=9min", "--data", full.dir, "--node", full.url)
        self.assertEqual(changed.returncode, 0, changed.stderr)
        for node in cluster.nodes:
            self.assertTrue(node.is_ready(), node.name)
            self.assertTrue(all(each["up"] for each in node.cluster()["roster"]), "the full node was taken for down")
        for key in list(stored)[::2]:
            self.assertEqual(cluster.nodes[2].request("DELETE", f"/o/{key}").status, 204, key)
            del stored[key]
        for count in range(30):
            key, size = f"freed/{count}", SIZES[count % len(SIZES)]
            node = cluster.nodes[count % 3]
            wait_for(f"space for {key}", 60, lambda k=key, s=size, n=node: self.put(n, k, s).status in (200, 201))
            stored[key] = size
        check_all(cluster.nodes, stored)


if __name__ == "__main__":
    unittest.main()
