"""Two of five nodes are gone for good: an operator gives up what only they had, and everything serves again."""
import json
import unittest

from harness import ClusterTest, content, figure, run_cli, wait_for


class Loss(ClusterTest):
    def test_a_node_is_not_removed_with_what_only_it_has(self):
        cluster = self.make_cluster(5, settings=("grace=1h",))
        n1, n2, _, n4, n5 = cluster.nodes

        def remove(*arguments):
            done = run_cli("remove", "n4", "--data", n1.dir, "--node", n1.url, *arguments)
            self.assertEqual(done.returncode, 1, done)
            return done

        def down():
            return {each["name"] for each in n1.cluster().get("roster", []) if not each["up"]}

        def put(prefix):
            keys = {f"{prefix}/{number}" for number in range(200)}
            for key in keys:
                self.assertEqual(n2.patient("PUT", f"/o/{key}", content(key, 300)).status, 201)
            return keys

        put("early")
        cluster.kill([n4])
        wait_for("n4 is down", 30, lambda: down() == {"n4"})
        refused = remove().stderr
        self.assertIn("buckets, of which 0 have no other copy in sync", refused)
        self.assertIn("`brigade drain n4 --wait`", refused)
        # What is written now, n4's stand-ins have: they know some keys when siblings go, too.
        late = put("late")
        cluster.kill([n5])
        wait_for("n5 is down", 30, lambda: down() == {"n4", "n5"})

        def names_keys():
            done = remove("--json")
            return done if json.loads(done.stdout)["keys"] else None
        refused = wait_for("those who know keys know, too, that n5 is down", 30, names_keys)
        problem = json.loads(refused.stdout)
        self.assertGreater(problem["buckets"], problem["buckets_alone"])
        self.assertGreater(problem["buckets_alone"], 0)
        self.assertTrue(0 < len(problem["keys"]) <= 10, problem)
        self.assertLessEqual(set(problem["keys"]), late)
        for key in problem["keys"]:
            self.assertIn(key, refused.stderr)
            self.assertEqual(n1.request("GET", f"/o/{key}").status, 503)
        self.assertIn(problem["detail"], refused.stderr)
        self.assertIn("`brigade bucket accept-loss --all`", refused.stderr)
        n5.start()
        wait_for("n5 is up", 30, lambda: down() == {"n4"})
        wait_for("others have all again", 60, lambda: json.loads(remove("--json").stdout)["buckets_alone"] == 0)

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
