"""Two of five nodes cut off from the rest, each node in a network namespace of its own. Needs root; skipped without."""
import ctypes
import http.client
import subprocess
import time
import unittest

from harness import ClusterTest, check_all, content, figure, wait_for

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
HUB = "10.77.0.254"


def run(command):
    subprocess.run(command.split(), check=True, capture_output=True)


def address(number):
    return f"10.77.0.{number}"


class Network:
    """Nodes 1 to `count` on bridge br0; those cut off hang on br1. This process reaches both sides. Gone with it."""

    def __init__(self, count):
        run("mount --make-rprivate /")
        run("mount -t tmpfs none /run")
        run("ip link set lo up")
        for bridge in ("br0", "br1"):  # one hardware address, so that no node need learn where this process went
            run(f"ip link add {bridge} address 02:00:00:00:00:fe type bridge mcast_snooping 0 forward_delay 0")
            run(f"ip link set {bridge} up")
        run(f"ip addr add {HUB}/24 dev br0")
        for number in range(1, count + 1):
            run(f"ip netns add n{number}")
            run(f"ip link add p{number} type veth peer name eth0 netns n{number}")
            run(f"ip link set p{number} master br0 up")
            run(f"ip -n n{number} link set lo up")
            run(f"ip -n n{number} link set eth0 up")
            run(f"ip -n n{number} addr add {address(number)}/24 dev eth0")

    def cut_off(self, numbers):
        for number in numbers:
            run(f"ip link set p{number} master br1")
            run(f"ip route add {address(number)}/32 dev br1 src {HUB}")

    def heal(self, numbers):
        for number in numbers:
            run(f"ip link set p{number} master br0")
            run(f"ip route del {address(number)}/32 dev br1")


class Partition(ClusterTest):
    def test_a_minority_that_is_cut_off_stops_and_the_majority_goes_on(self):
        if ctypes.CDLL(None).unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            self.skipTest("network namespaces are not permitted here: run as root")
        network = Network(5)
        cluster = self.make_cluster(5, lambda n: (address(n), ("ip", "netns", "exec", f"n{n}")))
        load = self.start_load(cluster)
        load.wait_for_more(100)
        # The harder case: the coordinator is among those cut off.
        coordinator = wait_for("all agree on a coordinator", 60, cluster.coordinator)
        away = [coordinator, next(node for node in cluster.nodes if node is not coordinator)]
        majority = [node for node in cluster.nodes if node not in away]
        numbers = [cluster.nodes.index(node) + 1 for node in away]
        network.cut_off(numbers)
        cut = time.monotonic()
        for node in away:
            wait_for(f"{node.name} stops serving", 30, lambda: self.says_no_quorum(node))
        figure("cut_off_minority_silent_ms", round(1000 * (time.monotonic() - cut)))
        wait_for("a coordinator of the majority", 60, lambda: cluster.coordinator(majority) in majority)
        figure("cut_off_new_coordinator_ms", round(1000 * (time.monotonic() - cut)))
        written = {f"cut/{number}": 2000 for number in range(30)}
        for number, (key, size) in enumerate(written.items()):
            node = majority[number % len(majority)]
            # Four copies: two nodes of five can be away, and an in-sync one is left.
            headers = {"Brigade-Redundancy": "4"}
            self.assertIn(node.patient("PUT", f"/o/{key}", content(key, size), headers).status, (200, 201))
        for node in away:
            self.assertTrue(self.says_no_quorum(node), f"{node.name} serves while it is cut off")
        network.heal(numbers)
        healed = time.monotonic()
        cluster.wait_ready()
        figure("healed_ready_ms", round(1000 * (time.monotonic() - healed)))
        cluster.wait_settled()
        wait_for("all agree on a coordinator", 60, cluster.coordinator)
        check_all(cluster.nodes, {**load.stop(), **written})

    def says_no_quorum(self, node):
        try:
            answer = node.request("GET", "/o/never-stored", timeout=5)
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 503 and answer.problem() == "no-quorum"


if __name__ == "__main__":
    unittest.main()
