"""What befalls a cluster of real processes: drawn from a seed, one after the other, each taken back by itself; but what
operators change stays while others follow, and is taken back at the end.

Thread:  one; it alone starts, stops and signals nodes.
"""
import json
import signal
import time

from disk_faults import DiskFaults
from harness import run_cli, wait_for
from member_faults import MemberFaults

WHOLE_SECONDS = 120


def number_of(node):
    return int(node.name[1:])


class Faults:
    """`network` is None where namespaces are not permitted: then only processes, disks and the roster suffer. `small`
    is the disk of the node that can be filled, or None; `test` ends what is started."""

    def __init__(self, test, cluster, network, small, draw, log, over):
        self.cluster, self.network, self.draw, self.log, self.over = cluster, network, draw, log, over
        self.counts = {}
        self.members, self.disks = MemberFaults(self), DiskFaults(self, test, small)
        self.kinds = [self.kill_some, self.kill_some, self.kill_coordinator, self.kill_all, self.pause_some,
                      self.pause_coordinator, self.restart_in_turn, self.restart_quickly, *self.members.kinds,
                      *self.disks.kinds]
        if network is not None:
            self.kinds += [self.halves, self.halves, self.one_way, self.one_pair, self.lossy, self.narrow]

    def befall(self):
        kind = self.draw.choice(self.kinds)
        self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
        kind()

    def rest(self, shortest, longest):
        self.over.wait(self.draw.uniform(shortest, longest))

    def some(self, most):
        nodes = self.cluster.nodes
        return self.draw.sample(nodes, self.draw.randint(1, min(most, len(nodes))))

    def tell(self, what, nodes):
        self.log(f"{what} {' '.join(node.name for node in nodes)}")

    # Processes

    def start(self, nodes):
        self.tell("start", nodes)
        for node in nodes:
            node.start()

    def kill_some(self):
        nodes = self.some((len(self.cluster.nodes) - 1) // 2)
        self.tell("kill", nodes)
        self.cluster.kill(nodes)
        self.rest(0.1, 8)
        self.start(nodes)

    def kill_coordinator(self):
        node = self.cluster.coordinator()
        if node is None:
            return
        self.tell("kill coordinator", [node])
        self.cluster.kill([node])
        self.rest(0.1, 4)
        self.start([node])

    def kill_all(self):
        nodes = list(self.cluster.nodes)
        self.tell("kill", nodes)
        self.cluster.kill(nodes)
        self.draw.shuffle(nodes)
        for node in nodes:
            self.rest(0, 1)
            self.start([node])

    def restart_quickly(self):
        nodes = self.some(1)
        self.tell("kill", nodes)
        self.cluster.kill(nodes)
        self.start(nodes)

    def restart_in_turn(self):
        for node in self.draw.sample(self.cluster.nodes, len(self.cluster.nodes)):
            self.tell("stop", [node])
            node.stop()
            self.start([node])
            self.rest(0.2, 2)

    def pause(self, nodes, longest):
        self.tell("pause", nodes)
        for node in nodes:
            node.process.send_signal(signal.SIGSTOP)
        self.rest(0.1, longest)
        self.tell("go on", nodes)
        for node in nodes:
            node.process.send_signal(signal.SIGCONT)

    def pause_some(self):
        self.pause(self.some(2), 4)

    def pause_coordinator(self):
        node = self.cluster.coordinator()
        if node is not None:
            self.pause([node], 2)

    # Operators

    def operate(self, *arguments):
        """Through any node that runs; true if the cluster took it."""
        node = self.draw.choice(self.cluster.live() or self.cluster.nodes)
        done = run_cli(*arguments, "--node", node.url, "--data", node.dir)
        self.log(f"{' '.join(arguments)}: {'done' if done.returncode == 0 else done.stderr.strip()}")
        return done.returncode == 0

    def wait_until_whole(self):
        """What is lost next may be the last copy of what was lost before; or the only node with both copies of something, as
        weights may have it: who is lost may have half of the data at most."""
        roster = self.draw.choice(self.cluster.live()).cluster().get("roster", [])
        weights = [each["weight"] for each in roster if not each["draining"]]
        if 2 * max(weights, default=0) > sum(weights):
            self.members.end_changes()

        def is_whole():
            done = run_cli("verify", "--json", "--node", self.draw.choice(self.cluster.live()).url)
            return done.returncode == 0 and json.loads(done.stdout)["crowded"] == 0
        wait_for("every object has its copies, on several nodes", WHOLE_SECONDS, is_whole)

    # Network

    def blocked(self, what, pairs, longest):
        self.log(f"{what} {' '.join(f'n{source}>n{target}' for source, target in pairs)}")
        self.network.block(pairs)
        self.rest(0.3, longest)
        self.log("network heals")
        self.network.calm()

    def numbers(self):
        return [number_of(node) for node in self.cluster.nodes]

    def halves(self):
        numbers = self.numbers()
        few = self.draw.sample(numbers, self.draw.randint(1, len(numbers) // 2))
        many = [number for number in numbers if number not in few]
        self.blocked("cut off", [pair for a in few for b in many for pair in ((a, b), (b, a))], 8)

    def one_way(self):
        numbers = self.numbers()
        deaf = self.draw.choice(numbers)
        self.blocked("one way", [(other, deaf) for other in numbers if other != deaf], 5)

    def one_pair(self):
        a, b = self.draw.sample(self.numbers(), 2)
        self.blocked("apart", [(a, b), (b, a)], 6)

    def lossy(self):
        percent = self.draw.choice([1, 5, 20])
        self.log(f"{percent} % of packets are lost")
        self.network.lose(percent)
        self.rest(1, 8)
        self.log("network heals")
        self.network.calm()

    def narrow(self):
        """Some nodes' links take little at a time: what is sent waits, or is dropped."""
        nodes, kilobits = self.some(2), self.draw.choice([500, 2000, 10_000])
        self.tell(f"{kilobits} kbit/s to", nodes)
        for node in nodes:
            self.network.narrow(number_of(node), kilobits)
        self.rest(1, 8)
        self.log("network heals")
        for node in nodes:
            self.network.widen(number_of(node))

    def heal(self):
        if self.network is not None:
            self.network.calm()
        for node in self.cluster.nodes:
            if node.is_running():
                node.process.send_signal(signal.SIGCONT)
            else:
                self.start([node])
        self.members.end_changes()


def stamp(began):
    return f"{time.monotonic() - began:8.3f}"
