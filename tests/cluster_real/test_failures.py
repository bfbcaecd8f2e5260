"""Nodes that die and come, under load: what was acknowledged stays, and nobody says 404 without knowing."""
import os
import statistics
import time
import unittest

from harness import ClusterTest, check_all, content, figure, percentile, wait_for

KILLS = int(os.environ.get("BRIGADE_KILLS", "3"))


class Failures(ClusterTest):
    def test_a_killed_coordinator_is_followed_and_nothing_acknowledged_is_lost(self):
        cluster = self.make_cluster(5)
        load = self.start_load(cluster)
        next_ms, gap_ms, followed_ms = [], [], []
        for _ in range(KILLS):
            load.wait_for_more(20)
            victim = wait_for("all agree on a coordinator", 60, cluster.coordinator)
            killed = cluster.kill([victim])
            others = cluster.live()
            wait_for("a new coordinator", 60, lambda: cluster.coordinator(others) not in (None, victim))
            followed_ms.append(1000 * (time.monotonic() - killed))
            next_ms.append(1000 * wait_for("the next acknowledged PUT", 60, lambda: load.first_after(killed)))
            load.wait_for_more(50)
            gap_ms.append(1000 * load.longest_gap(killed))
            victim.start()
            victim.wait_ready()
            cluster.wait_settled()
        objects = load.stop()
        figure("coordinator_kills", KILLS)
        for name, values in (("next_acknowledged_put", next_ms), ("longest_put_gap", gap_ms),
                             ("new_coordinator", followed_ms)):
            figure(f"{name}_ms_median", round(statistics.median(values)))
            figure(f"{name}_ms_p99", round(percentile(values, 99)))
            figure(f"{name}_ms_max", round(max(values)))
        check_all(cluster.nodes, objects)
        figure("acknowledged_objects", len(objects))

    def test_a_minority_answers_no_quorum_and_never_404(self):
        cluster = self.make_cluster(5)
        objects = {f"kept/{number}": 3000 for number in range(60)}
        for key, size in objects.items():
            self.assertIn(cluster.nodes[0].patient("PUT", f"/o/{key}", content(key, size)).status, (200, 201))
        rest, dead = cluster.nodes[:2], cluster.nodes[2:]
        killed = last_served = cluster.kill(dead)
        silent, asked = set(), 0
        while len(silent) < len(rest) or asked < 4 * len(objects):
            self.assertLess(time.monotonic(), killed + 60, "a minority still serves")
            key = f"kept/{asked % len(objects)}"
            for node in rest:
                answer = node.request("GET", f"/o/{key}")
                self.assertIn(answer.status, (200, 503), f"{key} at {node.name}")
                if answer.status == 200:
                    self.assertNotIn(node, silent, "a node without a quorum serves again")
                    self.assertEqual(answer.body, content(key, 3000))
                    last_served = time.monotonic()
                elif answer.problem() == "no-quorum":
                    self.assertTrue(answer.headers["Retry-After"])
                    silent.add(node)
            asked += 1
        figure("minority_last_served_ms", round(1000 * (last_served - killed)))
        for node in rest:
            for method, key in (("GET", "never/stored"), ("HEAD", "kept/1"), ("PUT", "new"), ("DELETE", "kept/1")):
                answer = node.request(method, f"/o/{key}", b"x" if method == "PUT" else None)
                self.assertEqual(answer.status, 503, f"{method} {key} at {node.name}")
                if method != "HEAD":
                    self.assertEqual(answer.problem(), "no-quorum")
            self.assertFalse(node.is_ready())
        for node in dead:
            node.start()
        cluster.wait_ready()
        check_all(cluster.nodes, objects)
        self.assertEqual({node.patient("GET", "/o/new").status for node in cluster.nodes}, {404})

    def test_all_nodes_killed_at_once_keep_what_was_acknowledged(self):
        cluster = self.make_cluster(5)
        load = self.start_load(cluster, writers=8)
        load.wait_for_more(300)
        cluster.kill(cluster.nodes)
        objects = load.stop()
        began = time.monotonic()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        figure("all_killed_ready_again_ms", round(1000 * (time.monotonic() - began)))
        check_all(cluster.nodes, objects)
        figure("all_killed_acknowledged_objects", len(objects))

    def test_a_newcomer_takes_its_share_under_load(self):
        cluster = self.make_cluster(3)
        load = self.start_load(cluster)
        load.wait_for_more(100)
        began = time.monotonic()
        newcomer = cluster.grow()
        # Between two steps of the move nothing is moving either: the shares say when it is over.
        wait_for("equal shares", 180, lambda: all(
            abs(each["buckets"] - 65536 / 4) <= 1 for each in newcomer.cluster()["roster"]))
        cluster.wait_settled()
        figure("newcomer_settled_ms", round(1000 * (time.monotonic() - began)))
        load.wait_for_more(50)
        objects = load.stop()
        view = newcomer.cluster()
        for each in view["roster"]:
            self.assertAlmostEqual(each["buckets"], 65536 / 4, delta=1, msg=each["name"])
        check_all(cluster.nodes, objects)
        figure("newcomer_holds_objects", view["objects"])
        self.assertGreater(view["objects"], 0)


if __name__ == "__main__":
    unittest.main()
