"""Tombstones: they go once nobody needs them, and what was deleted stays deleted."""
import re
import time
import unittest

from harness import ClusterTest, content, wait_for

OLD = 30.2  # seconds, with the settings below; they are looked at every 5 s


def tombstones(nodes):
    texts = [node.request("GET", "/metrics").body.decode() for node in nodes]
    return sum(int(re.search(r"^brigade_tombstones (\d+)", text, re.MULTILINE)[1]) for text in texts)


class Tombstones(ClusterTest):
    def test_they_go_when_nobody_needs_them_and_what_was_deleted_stays_deleted(self):
        nodes = self.make_cluster(3, settings=("retention=1s", "write_deadline=200ms")).nodes
        kept, gone = [f"kept/{i}" for i in range(20)], [f"gone/{i}" for i in range(20)]
        for key in kept + gone:
            self.assertEqual(nodes[0].patient("PUT", f"/o/{key}", content(key, 1000)).status, 201)
        first = nodes[0].request("GET", f"/o/{gone[0]}").headers["ETag"]

        # A node that is away misses the deletes: as long as it may bring something back, they stay.
        nodes[2].process.kill()
        nodes[2].process.wait()
        wait_for("n3 is down", 20, lambda: sum(n["up"] for n in nodes[0].cluster().get("roster", [])) == 2)
        for key in gone:
            self.assertEqual(nodes[1].patient("DELETE", f"/o/{key}").status, 204)
        deleted = time.monotonic()
        present = tombstones(nodes[:2])
        self.assertGreaterEqual(present, len(gone))
        wait_for("the retention is over, and all tombstones are still there", OLD + 15, lambda: (
            self.assertEqual(tombstones(nodes[:2]), present), time.monotonic() > deleted + OLD + 6)[1])

        nodes[2].start()
        nodes[2].wait_ready()
        wait_for("no tombstone is left", 120, lambda: tombstones(nodes) == 0)
        for node in nodes:
            for key in gone:
                self.assertEqual(node.patient("GET", f"/o/{key}").status, 404, key)
            for key in kept:
                self.assertEqual(node.patient("GET", f"/o/{key}").body, content(key, 1000))
        # What is put under an old key is not taken for what was there.
        again = nodes[0].patient("PUT", f"/o/{gone[0]}", b"new")
        self.assertEqual(again.status, 201)
        self.assertNotEqual(again.headers["ETag"], first)
        self.assertEqual(nodes[2].request("GET", f"/o/{gone[0]}", headers={"If-None-Match": first}).body, b"new")


if __name__ == "__main__":
    unittest.main()
