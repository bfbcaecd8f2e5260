"""A cluster that grows from one node: what is written meanwhile does not depend on that one."""
import unittest

from harness import ClusterTest, check_all, content, figure


class Growth(ClusterTest):
    def test_what_is_written_while_it_grows_outlives_the_first_node(self):
        cluster = self.make_cluster(1)
        for _ in range(4):
            cluster.grow()
        objects, copies = {}, []
        for number in range(200):
            key = f"growth/{number}"
            put = cluster.nodes[number % 5].patient("PUT", f"/o/{key}", content(key, 700))
            self.assertIn(put.status, (200, 201), put)
            objects[key] = 700
            copies.append(int(put.headers["Brigade-Copies"]))
        figure("growth_copies", {count: copies.count(count) for count in sorted(set(copies))})
        self.assertGreaterEqual(min(copies), 2)
        # Durable they are on two nodes; readable without the first one they are once a second one is in sync.
        cluster.wait_settled()
        cluster.kill([cluster.nodes[0]])
        check_all(cluster.nodes[1:], objects)


if __name__ == "__main__":
    unittest.main()
