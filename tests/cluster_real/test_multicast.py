"""Nodes that find and hear each other by multicast, in a network of their own. Needs root; skipped without."""
import ctypes
import re
import subprocess
import unittest

from harness import ClusterTest, Node, check_all, content, figure, wait_for

CLONE_NEWNET = 0x40000000
MULTICAST = ("--transport", "multicast", "--interface", "127.0.0.1")


def multicast_datagrams():
    """How many left and came in this network namespace."""
    with open("/proc/self/net/netstat") as counts:
        names, values = [line.split()[1:] for line in counts if line.startswith("IpExt:")]
    found = dict(zip(names, map(int, values)))
    return found["OutMcastPkts"], found["InMcastPkts"]


class Multicast(ClusterTest):
    def setUp(self):
        super().setUp()
        # Without a namespace of its own, what a node says could reach the machine's other networks.
        if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
            self.skipTest("network namespaces are not permitted here: run as root")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def test_a_newcomer_that_does_not_hear_the_others_is_not_taken_and_stops_nobody(self):
        cluster = self.make_cluster(1, lambda number: ("127.0.0.1", (), MULTICAST))
        first, deaf = cluster.nodes[0], Node(self.root, "n2", "127.0.0.1", (), ("--transport", "unicast"))
        cluster.nodes.append(deaf)
        self.assertEqual(deaf.bootstrap("--join", first.url, "--token", cluster.token).returncode, 0)
        deaf.start()

        def says_why():
            with open(deaf.log) as log:
                return "its heartbeats do not arrive here" in log.read()
        wait_for("it says why it is not taken", 60, says_why)
        self.assertEqual([each["name"] for each in first.cluster()["roster"]], ["n1"])
        self.assertEqual(first.request("PUT", "/o/k", b"abc").status, 201)
        self.assertEqual(deaf.stop(), 0)
        with open(f"{deaf.dir}/brigade.toml") as file:
            text = file.read()
        with open(f"{deaf.dir}/brigade.toml", "w") as file:
            file.write(re.sub(r"(?m)^transport *=.*$", "transport = 'multicast'", text))
        deaf.start()
        cluster.wait_ready()
        cluster.wait_settled()
        self.assertEqual(deaf.request("GET", "/o/k").body, b"abc")

    def test_nodes_find_each_other_by_multicast(self):
        cluster = self.make_cluster(3, lambda number: ("127.0.0.1", (), MULTICAST))
        objects = {f"multicast/{number}": 5000 for number in range(20)}
        self.put(cluster.nodes, objects)

        coordinator = wait_for("all agree on a coordinator", 60, cluster.coordinator)
        cluster.kill([coordinator])
        others = cluster.live()
        wait_for("a new coordinator", 60, lambda: cluster.coordinator(others) not in (None, coordinator))
        check_all(others, objects)

        # Now nobody knows where anybody is but by the group.
        cluster.kill(others)
        before = multicast_datagrams()
        for node in cluster.nodes:
            self.forget_peers(node)
            node.start()
        cluster.wait_ready()
        cluster.wait_settled()
        self.put(cluster.nodes, {f"again/{number}": 5000 for number in range(20)})
        check_all(cluster.nodes, objects)
        left, came = (after - at_first for after, at_first in zip(multicast_datagrams(), before))
        figure("multicast_datagrams", left)
        self.assertGreater(min(left, came), 10)

    def put(self, nodes, objects):
        for number, (key, size) in enumerate(objects.items()):
            answer = nodes[number % len(nodes)].patient("PUT", f"/o/{key}", content(key, size))
            self.assertIn(answer.status, (200, 201), answer)

    def forget_peers(self, node):
        with open(f"{node.dir}/brigade.toml") as file:
            text = file.read()
        with open(f"{node.dir}/brigade.toml", "w") as file:
            file.write(re.sub(r"(?m)^peers *=.*$", "peers = []", text))


if __name__ == "__main__":
    unittest.main()
