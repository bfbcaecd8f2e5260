"""Nodes that leave on purpose, while clients read and write."""
import json
import unittest

from churn import Churn, judge
from harness import ClusterTest, figure, run_cli, wait_for


class Drain(ClusterTest):
    def brigade(self, node, *arguments, code=0):
        done = run_cli(*arguments, "--node", node.url)
        self.assertEqual(done.returncode, code, done)
        return done

    def test_a_node_is_drained_stopped_and_removed_under_load(self):
        cluster = self.make_cluster(4)
        n1, n2, n3, n4 = cluster.nodes
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(200)
        self.assertIn("yes", self.brigade(n1, "can-stop", "n4").stdout)
        self.assertIn("would be left", self.brigade(n1, "can-stop", "n3", "n4", code=1).stdout)
        refused = self.brigade(n1, "remove", "n4", "--data", n1.dir, code=1)
        self.assertIn("stop it first", refused.stderr)
        self.assertIn("`brigade drain n4 --wait`", refused.stderr)
        self.assertIn("of which 0 have no other copy in sync", refused.stderr)

        plan = json.loads(self.brigade(n1, "plan", "--drain", "n4", "--json").stdout)
        done = self.brigade(n1, "drain", "n4", "--wait", "--data", n1.dir)
        self.assertIn("holds nothing that is needed", done.stderr)
        drained = {each["name"]: each for each in n1.cluster()["roster"]}["n4"]
        self.assertEqual((drained["buckets"], drained["draining"]), (0, True))
        figure("drained_buckets", f"{plan['moves']}, at least {plan['lower_bound']}")
        # Still a member: it serves others' copies, and coordinates if need be.
        churn.wait_for_more(100)
        self.assertEqual(self.brigade(n2, "can-stop", "n4", "--json").returncode, 0)
        churn.nodes.remove(n4)
        wait_for("nobody asks it any more", 30, lambda: n4.stop() == 0)
        wait_for("it is down", 30, lambda: not any(each["up"] for each in n2.cluster()["roster"] if each["name"] == "n4"))
        removed = self.brigade(n2, "remove", "n4", "--data", n2.dir)
        self.assertIn("no longer", removed.stderr)
        churn.wait_for_more(100)
        churn.stop()
        judge([n1, n2, n3], churn)
        self.assertEqual(len(n1.cluster()["roster"]), 3)
        # With three left, and two copies of everything: one more can go, the next can't.
        self.brigade(n1, "drain", "n3", "--data", n1.dir)
        refused = self.brigade(n1, "drain", "n2", "--data", n1.dir, code=1)
        self.assertIn("add a node first", refused.stderr)
        self.brigade(n1, "drain", "n3", "--cancel", "--data", n1.dir)
        wait_for("it has its share again", 60, lambda: {each["name"]: each for each in n1.cluster()["roster"]}
                 ["n3"]["buckets"] > 21_000)
        judge([n1, n2, n3], churn)

    def test_a_spare_takes_the_place_of_a_node_under_load(self):
        cluster = self.make_cluster(4)
        n1, n2, n3, n4 = cluster.nodes
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(200)
        spare = cluster.grow("--weight", "0")

        def roster():
            return {each["name"]: each for each in n1.cluster()["roster"]}

        self.assertEqual((roster()["n5"]["buckets"], roster()["n5"]["weight"]), (0, 0))
        churn.nodes.append(spare)  # it serves clients as any other
        before = roster()
        plan = json.loads(self.brigade(n1, "plan", "--replace", "n2", "--with", "n5", "--json").stdout)
        self.assertEqual({(each["from"], each["to"]) for each in plan["transfers"]}, {("n2", "n5")})
        self.assertEqual(plan["moves"], before["n2"]["buckets"])
        self.assertEqual(plan["moves"], plan["lower_bound"])
        done = self.brigade(n1, "replace", "n2", "--with", "n5", "--wait", "--data", n1.dir)
        self.assertIn("holds nothing that is needed", done.stderr)
        after = roster()
        self.assertEqual((after["n2"]["buckets"], after["n2"]["draining"]), (0, True))
        self.assertEqual(after["n5"]["weight"], before["n2"]["weight"])
        for name, was in (("n1", "n1"), ("n3", "n3"), ("n4", "n4"), ("n5", "n2")):
            self.assertEqual(after[name]["buckets"], before[was]["buckets"], name)
        figure("replaced_buckets", f"{plan['moves']}, at least {plan['lower_bound']}")
        churn.wait_for_more(100)
        churn.stop()
        judge(cluster.nodes, churn)

    def test_a_dead_node_is_replaced_without_waiting_for_the_grace_period(self):
        cluster = self.make_cluster(4)  # grace is ten minutes
        n1, dead = cluster.nodes[0], cluster.nodes[1]
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(100)
        spare = cluster.grow("--weight", "0")
        churn.nodes.append(spare)
        cluster.kill([dead])
        wait_for("it counts as down", 30, lambda: any(
            each["name"] == dead.name and not each["up"] for each in n1.cluster()["roster"]))
        wait_for("copies are missing, and the proof says why", 30, lambda: "these nodes are down: n2" in run_cli(
            "verify", "--node", n1.url).stderr)
        done = self.brigade(n1, "replace", "n2", "--with", "n5", "--wait", "--data", n1.dir)
        self.assertIn("holds nothing that is needed", done.stderr)
        self.brigade(n1, "remove", "n2", "--data", n1.dir)
        cluster.nodes.remove(dead)
        wait_for("every object has its copies", 60, lambda: run_cli("verify", "--node", n1.url).returncode == 0)
        churn.wait_for_more(50)
        churn.stop()
        judge(cluster.nodes, churn)

    def test_a_node_gets_another_weight_and_zone_for_good(self):
        cluster = self.make_cluster(3)
        n1, n2, n3 = cluster.nodes
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(100)

        def share(name):
            return next(each for each in n1.cluster()["roster"] if each["name"] == name)

        plan = json.loads(self.brigade(n1, "plan", "--reweight", "n3=2", "--json").stdout)
        self.assertGreater(plan["moves"], 10_000)
        self.brigade(n1, "reweight", "n3", "2", "--data", n1.dir)
        self.brigade(n2, "rezone", "n3", "attic", "--data", n1.dir)
        wait_for("it has half of all", 60, lambda: share("n3")["buckets"] == 32_768)
        cluster.kill([n3])
        n3.start()
        n3.wait_ready()
        wait_for("it is up", 30, lambda: share("n3")["up"])
        self.assertEqual((share("n3")["weight"], share("n3")["zone"]), (2, "attic"))
        self.assertEqual(json.loads(self.brigade(n1, "plan", "--json").stdout)["moves"], 0)
        refused = self.brigade(n1, "reweight", "n9", "2", "--data", n1.dir, code=1)
        self.assertIn("there is no node n9", refused.stderr)
        self.brigade(n1, "reweight", "n3", "0", "--data", n1.dir)
        refused = self.brigade(n1, "reweight", "n2", "0", "--data", n1.dir, code=1)
        self.assertIn("add a node first", refused.stderr)
        churn.wait_for_more(100)
        churn.stop()
        judge(cluster.nodes, churn)

    def test_a_drain_outlives_coordinators(self):
        cluster = self.make_cluster(4)
        n1 = cluster.nodes[0]
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(200)
        leader = cluster.coordinator()
        leaving = next(node for node in cluster.nodes if node not in (leader, n1))
        self.brigade(n1 if n1 is not leader else leaving, "drain", leaving.name, "--data", n1.dir)
        cluster.kill([leader])
        leader.start()
        leader.wait_ready()
        wait_for("it holds nothing", 60, lambda: all(
            each["buckets"] == 0 for each in leaving.cluster()["roster"] if each["name"] == leaving.name))
        churn.wait_for_more(100)
        churn.stop()
        judge(cluster.nodes, churn)


if __name__ == "__main__":
    unittest.main()
