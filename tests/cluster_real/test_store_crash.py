"""A node's process is killed under PUTs, overwrites and deletes, many times: all that was acknowledged is there, whole."""
import os
import random
import time
import unittest

from churn import Churn, judge
from harness import SEED, ClusterTest, figure, wait_for

KILLS = int(os.environ.get("BRIGADE_KILLS", "5"))


class StoreCrash(ClusterTest):
    def start_churn(self, cluster, **options):
        churn = Churn(cluster.nodes, **options)
        self.addCleanup(churn.over.set)
        return churn

    def kill_again_and_again(self, name, cluster):
        draw, ready_ms = random.Random(f"{SEED}:kills"), []
        churn = self.start_churn(cluster)
        for _ in range(KILLS):
            # Not at a round number of operations: the kill is to find the store at any step.
            churn.wait_for_more(draw.randrange(10, 60))
            victim = draw.choice(cluster.nodes)
            cluster.kill([victim])
            began = time.monotonic()
            victim.start()
            victim.wait_ready()
            ready_ms.append(1000 * (time.monotonic() - began))
            wait_for("all buckets serving", 120, cluster.is_settled)
        churn.wait_for_more(20)
        churn.stop()
        open_outcomes = judge(cluster.nodes, churn)
        figure(f"{name}_kills", KILLS)
        figure(f"{name}_acknowledged_writes", churn.acknowledged)
        figure(f"{name}_keys", len(churn.may_hold))
        figure(f"{name}_open_outcomes", open_outcomes)
        figure(f"{name}_answers", churn.answers)
        figure(f"{name}_ready_again_ms_max", round(max(ready_ms)))
        # And once more when nobody has anything in memory.
        cluster.kill(cluster.nodes)
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        judge(cluster.nodes, churn)
        for node in cluster.nodes:
            with open(node.log, errors="replace") as log:
                self.assertNotIn("corrupt record", log.read(), f"{node.name} took a torn write for damage")

    def test_one_of_three_killed_again_and_again(self):
        self.kill_again_and_again("three", self.make_cluster(3))

    def test_a_node_alone_killed_again_and_again(self):
        self.kill_again_and_again("alone", self.make_cluster(1, settings=("redundancy=1", "min_redundancy=1")))


if __name__ == "__main__":
    unittest.main()
