"""A cluster gets the next release node by node, under load; it speaks a protocol version that is made up."""
import hashlib
import json
import os
import subprocess
import unittest

from harness import BRIGADE, ClusterTest, check_all, run_cli, wait_for

NEXT = os.environ.get("BRIGADE_NEXT", "")


def bytes_of(directory):
    """All files, but for the lock, which says who has it."""
    found = {}
    for at, _, names in os.walk(directory):
        for name in set(names) - {"lock"}:
            with open(f"{at}/{name}", "rb") as file:
                found[f"{at}/{name}"] = hashlib.sha256(file.read()).hexdigest()
    return found


class Upgrade(ClusterTest):
    def protocols(self, nodes):
        return {node.cluster().get("protocol") for node in nodes}

    def test_a_cluster_is_upgraded_node_by_node_and_then_takes_no_older_one(self):
        cluster = self.make_cluster(3)
        nodes = cluster.nodes
        self.assertEqual(self.protocols(nodes), {1})
        load = self.start_load(cluster)
        load.wait_for_more(50)
        for number, node in enumerate(nodes):
            self.assertEqual(node.stop(), 0)
            node.program = NEXT
            node.start()
            node.wait_ready()
            cluster.wait_settled()
            load.wait_for_more(50)
            if number == 0:
                # On the way one can go back.
                self.assertEqual(node.stop(), 0)
                node.program = BRIGADE
                node.start()
                node.wait_ready()
                cluster.wait_settled()
                node.stop()
                node.program = NEXT
                node.start()
                node.wait_ready()
                cluster.wait_settled()
            if node is not nodes[-1]:
                self.assertEqual(self.protocols(nodes), {1})
                shown = run_cli("status", "--node", nodes[0].url).stdout
                self.assertRegex(shown, "version 1; the next one when all speak it: not yet .*n3")
        wait_for("the next version is in force", 30, lambda: self.protocols(nodes) == {2})
        load.wait_for_more(100)
        check_all(nodes, load.stop())
        self.assertIn("protocol version 2", run_cli("log", "--node", nodes[0].url).stdout)

        # The old release refuses the directory, and leaves it as it is; also after a kill, when not all is checkpointed.
        for how in (nodes[2].stop, lambda: cluster.kill([nodes[2]])):
            how()
            before = bytes_of(nodes[2].dir)
            refused = subprocess.run([BRIGADE, "serve", "--data", nodes[2].dir], capture_output=True, text=True, timeout=60)
            self.assertEqual(refused.returncode, 1, refused)
            said = refused.stdout + refused.stderr
            self.assertIn("the journal has version 2, and this program reads version 1: run a newer release", said)
            self.assertEqual(bytes_of(nodes[2].dir), before)
            nodes[2].start()
            nodes[2].wait_ready()
            cluster.wait_settled()
        # ... and does not join.
        directory = f"{self.root}/n4"
        refused = run_cli("bootstrap", "--join", nodes[0].url, "--token", cluster.token, "--data", directory,
                          "--name", "n4", "--listen-client", "127.0.0.1:9", "--listen-peer", "127.0.0.1:10")
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("protocol version 2, and this program reads version 1", refused.stderr)
        self.assertFalse(os.path.exists(directory))
        # What has the next version is in the journal of everybody, and whoever was down when it came gets it.
        self.assertEqual({json.loads(node.request("GET", "/cluster/nodes").body)["roster"][0]["speaks"]
                          for node in nodes}, {2})


if __name__ == "__main__":
    unittest.main()
