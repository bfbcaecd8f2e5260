"""Another redundancy for objects that are there: copies come and go, and no byte moves to who has it already."""
import json
import re
import unittest

from churn import Churn, judge
from harness import ClusterTest, content, figure, run_cli

SIZES = (0, 700, 20_000, 1_300_000)  # the last has a file of its own


class Redundancy(ClusterTest):
    def change(self, node, *words, code=0):
        done = run_cli("redundancy", *words, "--json", "--node", node.url)
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)["changed"] if code == 0 else done.stderr

    def received(self, cluster):
        """Bytes of bodies that came in, at all nodes together."""
        texts = [node.request("GET", "/metrics").body.decode() for node in cluster.nodes]
        return sum(int(float(count)) for text in texts
                   for count in re.findall(r"^brigade_received_bytes_total (\S+)", text, re.M))

    def test_copies_come_and_go(self):
        cluster = self.make_cluster(5)
        for number, size in enumerate(SIZES):
            put = cluster.nodes[number].patient("PUT", f"/o/r/{number}", content(f"r/{number}", size),
                                                {"Content-Type": "image/png"})
            self.assertEqual((put.status, put.headers["Brigade-Copies"]), (201, "2"))
        had = 2
        for wanted in (4, 2, 8, 2):
            before = self.received(cluster)
            changed = self.change(cluster.nodes[1], "--prefix", "r/", str(wanted))
            self.assertEqual(len(changed), len(SIZES))
            # No more than the copies that were missing: siblings may be on fewer nodes than there are copies.
            moved = self.received(cluster) - before
            self.assertLessEqual(moved, max(0, wanted - had) * sum(SIZES))
            figure("redundancy", f"{had} to {wanted}: {moved} bytes sent")
            had = wanted
            for number, size in enumerate(SIZES):
                for node in cluster.nodes:
                    read = node.patient("GET", f"/o/r/{number}")
                    self.assertEqual((read.status, read.body), (200, content(f"r/{number}", size)))
                    self.assertEqual(read.headers["Brigade-Redundancy"], str(wanted))
                    self.assertEqual(read.headers["Content-Type"], "image/png")
            proof = json.loads(run_cli("verify", "--json", "--node", cluster.nodes[2].url).stdout)
            self.assertTrue(proof["whole"], proof)

    def test_what_makes_no_sense_changes_nothing(self):
        cluster = self.make_cluster(3)
        node = cluster.nodes[0]
        put = node.patient("PUT", "/o/k", b"abc")
        for headers, body, said in (({"Brigade-Redundancy": "1"}, None, "at least 2"), ({}, None, "Brigade-Redundancy"),
                                    ({"Brigade-Redundancy": "3"}, None, "1, 2, 4, 8 or 16"),
                                    ({"Brigade-Redundancy": "4"}, b"x", "no body")):
            answer = node.request("PUT", "/o/k?metadata", body, headers)
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(said, json.loads(answer.body)["detail"])
        for query in ("Metadata", "metadata&x", "x=1"):
            for method in ("PUT", "DELETE"):
                self.assertEqual(node.request(method, f"/o/k?{query}").status, 400, query)
        for other in cluster.nodes:
            self.assertEqual(other.request("PUT", "/o/n?metadata", None, {"Brigade-Redundancy": "4"}).status, 404)
            stale = other.request("PUT", "/o/k?metadata", None, {"Brigade-Redundancy": "4", "If-Match": '"1.1"'})
            self.assertEqual(stale.status, 412)
            same = other.request("PUT", "/o/k?metadata", None, {"Brigade-Redundancy": "2"})
            self.assertEqual((same.status, same.headers["ETag"]), (200, put.headers["ETag"]))
        self.assertIn("no object", self.change(node, "n", "4", code=1))
        self.assertEqual(run_cli("redundancy", "k", "3", "--node", node.url).returncode, 2)
        self.assertEqual(node.request("GET", "/o/k").headers["ETag"], put.headers["ETag"])

    def test_while_clients_write_and_a_node_is_away(self):
        cluster = self.make_cluster(5, settings=("grace=3s",))
        churn = Churn(cluster.nodes, prefix="churn")
        self.addCleanup(churn.over.set)
        churn.wait_for_more(300)
        for wanted in ("4", "2", "8"):
            self.change(cluster.nodes[0], "--prefix", "churn/", wanted)
        victim = cluster.nodes[4]
        cluster.kill([victim])
        churn.nodes.remove(victim)
        churn.wait_for_more(50)
        self.change(cluster.nodes[0], "--prefix", "churn/", "2")
        victim.start()
        victim.wait_ready()
        self.change(cluster.nodes[0], "--prefix", "churn/", "4")
        churn.wait_for_more(50)
        churn.stop()
        cluster.wait_settled()
        judge(cluster.nodes, churn)


if __name__ == "__main__":
    unittest.main()
