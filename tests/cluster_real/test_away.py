"""Nodes that were away for longer than grace and retention: what was deleted meanwhile stays deleted."""
import json
import time
import unittest

from harness import ClusterTest, content, run_cli, wait_for
from test_tombstones import OLD, tombstones

SETTINGS = ("grace=2s", "retention=1s", "write_deadline=200ms")


class Away(ClusterTest):
    def put(self, node, keys):
        for key in keys:
            self.assertEqual(node.patient("PUT", f"/o/{key}", content(key, 1000)).status, 201)

    def delete(self, node, keys):
        for key in keys:
            self.assertEqual(node.patient("DELETE", f"/o/{key}").status, 204)

    def judge(self, nodes, kept, gone):
        wait_for("every object has its copies", 60, lambda: run_cli("verify", "--node", nodes[0].url).returncode == 0)
        for node in nodes:
            for key in gone:
                self.assertEqual(node.patient("GET", f"/o/{key}").status, 404, f"{key} at {node.name}")
            for key in kept:
                self.assertEqual(node.patient("GET", f"/o/{key}").body, content(key, 1000), f"{key} at {node.name}")

    def live_records(self, node, keys):
        """Of these keys, what the stopped node's store has."""
        dump = run_cli("store", "dump", "--data", node.dir, "--json")
        self.assertEqual(dump.returncode, 0, dump)
        records = [json.loads(line) for line in dump.stdout.splitlines()]
        return [each for each in records if each["key"] in keys and each["state"] == "live"]

    def test_a_node_that_lost_its_buckets_and_missed_the_tombstones_brings_nothing_back(self):
        cluster = self.make_cluster(4, settings=SETTINGS)
        nodes = cluster.nodes
        away, rest = nodes[3], nodes[:3]
        kept, gone = [f"kept/{i}" for i in range(40)], [f"gone/{i}" for i in range(40)]
        self.put(nodes[0], kept + gone)
        cluster.kill([away])
        self.assertTrue(self.live_records(away, gone))
        wait_for("others have its buckets", 60, lambda: all(
            each["buckets"] == 0 for each in nodes[0].cluster().get("roster", []) if each["name"] == away.name)
            and nodes[0].cluster()["buckets"]["serving"] == 65536)
        self.delete(nodes[1], gone)
        self.assertGreater(tombstones(rest), 0)
        wait_for("no tombstone is left, though it is away", OLD + 60, lambda: tombstones(rest) == 0)

        away.start()
        away.wait_ready()
        cluster.wait_settled()
        self.judge(nodes, kept, gone)
        # Not even where nobody asks for them.
        wait_for("its store has none of them", 60, lambda: self.rests_without(away, gone))
        away.start()
        away.wait_ready()
        self.judge(nodes, kept, gone)

    def rests_without(self, node, keys):
        node.stop()
        if not self.live_records(node, keys):
            return True
        node.start()
        node.wait_ready()
        return False

    def test_a_cluster_that_was_off_for_longer_than_the_retention_brings_nothing_back(self):
        cluster = self.make_cluster(3, settings=("retention=1s", "write_deadline=200ms"))
        nodes = cluster.nodes
        kept, gone = [f"kept/{i}" for i in range(30)], [f"gone/{i}" for i in range(30)]
        self.put(nodes[0], kept + gone)
        # One has missed the deletes when all go off; its buckets are still its own.
        cluster.kill([nodes[2]])
        wait_for("n3 is down", 20, lambda: sum(n["up"] for n in nodes[0].cluster().get("roster", [])) == 2)
        self.delete(nodes[0], gone)
        cluster.kill(nodes[:2])
        off = time.monotonic()
        wait_for("the retention is over", OLD + 10, lambda: time.monotonic() > off + OLD)
        nodes[2].start()  # the one that knows least is the first
        for node in nodes[:2]:
            node.start()
        cluster.wait_ready()
        cluster.wait_settled()
        self.judge(nodes, kept, gone)
        wait_for("no tombstone is left", 120, lambda: tombstones(nodes) == 0)
        self.judge(nodes, kept, gone)


if __name__ == "__main__":
    unittest.main()
