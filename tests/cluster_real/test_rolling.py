"""Nodes that are stopped and started one after the other, as for a new version, while clients read and write."""
import unittest

from harness import ClusterTest, figure
from steady_clients import SteadyClients, store_all


class Rolling(ClusterTest):
    def test_clients_need_only_ask_again(self):
        cluster = self.make_cluster(3)
        keys = [f"rolling/{number}" for number in range(200)]
        store_all(cluster.nodes, keys)
        clients = SteadyClients(cluster.nodes, keys)
        self.addCleanup(clients.over.set)
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)
            node.start()
            node.wait_ready()
            cluster.wait_settled()
        clients.stop()
        seen = clients.between(0, float("inf"))
        self.assertEqual(seen["failed"], [])
        # What was under way when a node stopped was answered; a node that has stopped refuses connections.
        self.assertLessEqual(set(seen["refused"]), {"no-quorum", "unavailable", "timeout", "nobody"}, seen)
        figure("rolling_restart", {name: seen[name] for name in ("requests", "retried", "refused", "p99_ms", "longest_ms")})


if __name__ == "__main__":
    unittest.main()
