"""A network of its own for a test: each node in a network namespace on a bridge. Needs root."""
import ctypes
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
HUB = "10.77.0.254"


def run(command, stdin=""):
    subprocess.run(command.split(), check=True, capture_output=True, input=stdin, text=True)


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
        # A bridge without a port has no carrier, and is slow to notice its first one.
        run("ip link add idle type veth peer name idle-end")
        run("ip link set idle-end up")
        run("ip link set idle master br1 up")
        run(f"ip addr add {HUB}/24 dev br0")
        for number in range(1, count + 1):
            run(f"ip netns add n{number}")
            run(f"ip link add p{number} type veth peer name eth0 netns n{number}")
            run(f"ip link set p{number} master br0 up")
            run(f"ip -n n{number} link set lo up")
            run(f"ip -n n{number} link set eth0 up")
            run(f"ip -n n{number} addr add {address(number)}/24 dev eth0")

    def arm(self):
        """Makes block() and lose() possible: a filter on what goes from one node to another."""
        run("nft -f -", """
            add table bridge faults
            add set bridge faults blocked { type ifname . ifname ; }
            add chain bridge faults lost
            add chain bridge faults forward { type filter hook forward priority 0 ; }
            add rule bridge faults forward iifname . oifname @blocked drop
            add rule bridge faults forward jump lost
            """)

    def block(self, pairs):
        """Nothing goes from the first of a pair to the second any more."""
        if pairs:
            elements = ", ".join(f'"p{source}" . "p{target}"' for source, target in pairs)
            run("nft -f -", "add element bridge faults blocked { " + elements + " }")

    def lose(self, percent):
        """Of all packets between nodes."""
        run("nft -f -", f"add rule bridge faults lost numgen random mod 100 < {percent} drop")

    def narrow(self, number, kilobits):
        """What goes to that node: so many a second, at most 300 ms of them waiting."""
        run(f"tc qdisc add dev p{number} root tbf rate {kilobits}kbit burst 16kb latency 300ms")

    def widen(self, number):
        run(f"tc qdisc del dev p{number} root")

    def calm(self):
        run("nft -f -", "flush set bridge faults blocked\nflush chain bridge faults lost")

    def cut_off(self, numbers):
        self.move(numbers, "br1", "add")

    def heal(self, numbers):
        self.move(numbers, "br0", "del")

    def move(self, numbers, bridge, change):
        lines = [f"link set p{number} master {bridge}" for number in numbers]
        lines += [f"route {change} {address(number)}/32 dev br1 src {HUB}" for number in numbers]
        run("ip -batch -", "\n".join(lines))


def own_namespace():
    """This process leaves the machine's network for one of its own; false where that is not permitted."""
    return ctypes.CDLL(None).unshare(CLONE_NEWNS | CLONE_NEWNET) == 0


def in_namespace(number):
    """`place` of a cluster whose nodes live in the namespaces of a Network."""
    return address(number), ("ip", "netns", "exec", f"n{number}")
