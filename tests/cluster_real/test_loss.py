"""Two of five nodes are gone for good: an operator gives up what only they had, and everything serves again."""
import unittest

from harness import ClusterTest, content, figure, run_cli, wait_for


class Loss(ClusterTest):
    def test_a_loss_is_accepted(self):
        cluster = self.make_cluster(5, settings=("grace=2s",))
        cluster.wait_settled()
        objects = {f"loss/{number}": 500 + number for number in range(120)}
        for key, size in objects.items():
            self.assertEqual(cluster.nodes[0].request("PUT", f"/o/{key}", content(key, size)).status, 201)
        live = [node for node in cluster.nodes if node is not cluster.nodes[1] and node is not cluster.nodes[3]]
        cluster.kill([cluster.nodes[1], cluster.nodes[3]])

        def is_reassigned():
            buckets = live[0].cluster().get("buckets", {})
            return buckets.get("lost", 0) > 0 and buckets.get("filling", 1) == 0
        wait_for("what can be filled to be filled, and the rest to be lost", 60, is_reassigned)
        lost = live[0].cluster()["buckets"]["lost"]

        # Looking changes nothing, and says what it would mean.
        shown = run_cli("bucket", "accept-loss", "--all", "--node", live[0].url)
        self.assertEqual(shown.returncode, 1, shown)
        self.assertIn("NOT taken over", shown.stderr)
        self.assertIn("COMPLETE THERE UNTIL", shown.stdout)
        unknown = [key for key in objects if live[0].request("GET", f"/o/{key}").status == 503]
        self.assertTrue(unknown)
        listed = run_cli("ls", "--node", live[0].url)
        self.assertEqual(listed.returncode, 1)
        self.assertIn("the list is not whole", listed.stderr)

        accepted = run_cli("bucket", "accept-loss", "--all", "--yes", "--data", live[0].dir, "--node", live[0].url)
        self.assertEqual(accepted.returncode, 0, accepted.stderr)
        wait_for("all buckets to serve", 30, lambda: live[1].cluster()["buckets"]["serving"] == 65536)
        gone = 0
        for key, size in objects.items():
            for node in live:
                answer = node.request("GET", f"/o/{key}")
                if key in unknown:
                    self.assertEqual(answer.status, 404)
                else:
                    self.assertEqual((answer.status, answer.body), (200, content(key, size)))
            gone += key in unknown
        figure("loss", {"buckets": lost, "objects": gone})
        self.assertEqual(run_cli("ls", "--node", live[0].url).returncode, 0)
        key = unknown[0]
        self.assertEqual(live[2].request("PUT", f"/o/{key}", b"again").status, 201)
        self.assertIn("given up", run_cli("log", "--node", live[0].url).stdout)


if __name__ == "__main__":
    unittest.main()
