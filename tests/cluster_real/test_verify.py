"""The proof that every object has its copies: it holds, it sees what is missing, and what differs is mended."""
import glob
import json
import os
import unittest

from harness import ClusterTest, content, figure, run_cli, wait_for


class Verify(ClusterTest):
    def proof(self, node):
        done = run_cli("verify", "--json", "--node", node.url)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["whole"], done.returncode == 0, done.stdout)
        return found, done.stderr

    def store(self, cluster, count):
        for number in range(count):
            node = cluster.nodes[number % len(cluster.nodes)]
            redundancy = {"Brigade-Redundancy": str((2, 4, 4, 8)[number % 4])}
            answer = node.patient("PUT", f"/o/verify/{number}", content(f"verify/{number}", 300 + number), redundancy)
            self.assertEqual(answer.status, 201)

    def test_every_object_has_its_copies_or_is_named(self):
        # A restart within the failure timeout is not seen: what the node has lost, only a comparison can find.
        cluster = self.make_cluster(5, settings=("failure_timeout=20s", "grace=1h"))
        cluster.wait_settled()
        self.store(cluster, 200)
        proof, _ = self.proof(cluster.nodes[1])
        self.assertTrue(proof["whole"], proof)
        self.assertEqual(proof["records"], 200)
        self.assertIn("every object has all its copies: 200 objects",
                      run_cli("verify", "--node", cluster.nodes[2].url).stdout)

        victim = cluster.nodes[3]
        had = victim.cluster()["objects"]
        cluster.kill([victim])
        gone = glob.glob(f"{victim.dir}/objects/*/*")
        self.assertTrue(gone)
        for path in gone:
            os.remove(path)
        victim.start()
        victim.wait_ready()
        found = 0

        def is_whole():
            nonlocal found
            proof, _ = self.proof(cluster.nodes[0])
            found += proof["mended"]
            return proof["whole"]
        wait_for("the siblings to give back what was lost", 60, is_whole)
        self.assertEqual(victim.cluster()["objects"], had)
        figure("verify", {"records": 200, "lost by one node": had, "buckets mended": found})

        cluster.kill([victim])
        proof, said = self.proof(cluster.nodes[0])
        self.assertFalse(proof["whole"])
        self.assertIn("did not answer", said)


if __name__ == "__main__":
    unittest.main()
