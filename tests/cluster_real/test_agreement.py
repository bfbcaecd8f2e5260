"""The same script in the simulator and on five real nodes, each in a network namespace, gives the same transactions.

A script of agreement/ is run by `brigade simulate --scenario --json`, and its steps are carried out on processes. What
is compared is the log from the moment when all has settled: who formed groups, was down and up, in this order. Times
and sizes differ, so of the transactions about buckets it is compared only which kinds there are. n1 is whoever leads;
nodes that the script does not name are alike. Needs root; skipped without.
"""
import json
import os
import unittest

from harness import PATIENT, ClusterTest, run_cli, wait_for
from network import Network, address, in_namespace, own_namespace

HERE = os.path.dirname(os.path.abspath(__file__))


def steps_of(path):
    """The words of each step after all has settled."""
    with open(path) as script:
        lines = [line.split() for line in script if line.strip() and not line.startswith(("#", "nodes", "set"))]
    return [words for words in lines if words[0] != "quietly"]


def told_of(transactions, named):
    """(kind, node) of what is not about buckets, equal kinds that follow each other in one order; then the kinds of the
    others."""
    runs, others = [], set()
    for kind, node in transactions:
        if kind.startswith("Buckets"):
            others.add(kind)
            continue
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(node if node in named else "another")
    return [(kind, sorted(nodes)) for kind, nodes in runs], sorted(others)


class Agreement(ClusterTest):
    def test_killed_coordinator(self):
        self.compare("coordinator-killed")

    def test_partition(self):
        self.compare("partition")

    def test_quick_restart(self):
        self.compare("quick-restart")

    def compare(self, script):
        path = f"{HERE}/agreement/{script}.scenario"
        steps = steps_of(path)
        named = {word for words in steps if words[0] in ("crash", "start") for word in words[1:]}
        named |= {word for words in steps if words[0] == "cut" for word in words[1:words.index("|")]}
        simulated = run_cli("simulate", "--scenario", path, "--json")
        self.assertEqual(simulated.returncode, 0, simulated.stderr)
        log = [(each["kind"], each["node"]) for each in json.loads(simulated.stdout)["transactions"]]
        # The first group forms when all start; what counts comes after.
        expected = told_of(log[1 + [kind for kind, _ in log].index("GroupFormed"):], named)
        self.assertEqual(self.carry_out(steps, named), expected)

    def carry_out(self, steps, named):
        if not own_namespace():
            self.skipTest("network namespaces are not permitted here: run as root")
        network = Network(5)
        cluster = self.make_cluster(5, in_namespace, PATIENT)
        leader = wait_for("all agree on a coordinator", 60, cluster.coordinator)
        nodes = dict(zip(("n1", "n2", "n3", "n4", "n5"),
                         [leader] + [node for node in cluster.nodes if node is not leader]))
        scripted = {node.name: name for name, node in nodes.items()}
        began = leader.cluster()["commit"]

        away = set()
        for words in steps:
            who = [nodes[word] for word in words if word in nodes]
            if words[0] == "crash":
                cluster.kill(who)
            elif words[0] == "start":
                for node in who:
                    node.start()
            elif words[0] == "cut":
                away = {nodes[word] for word in words[1:words.index("|")]}
                network.cut_off([cluster.nodes.index(node) + 1 for node in away])
            elif words[0] == "heal":
                network.heal([cluster.nodes.index(node) + 1 for node in away])
                away = set()
            elif words[:2] == ["until", "down"]:
                asked = next(node for node in cluster.live() if node not in away)
                wait_for(" ".join(words), 60, lambda: {node.name for node in who} <= {
                    each["name"] for each in asked.cluster().get("roster", []) if not each["up"]})
            elif words[:2] == ["until", "settled"]:
                cluster.wait_ready()
                cluster.wait_settled()
            else:
                self.fail(f"no such step on real nodes: {words}")
        ran = run_cli("log", "--after", str(began), "--limit", "4096", "--node", leader.url, "--json")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return told_of([(each["kind"], scripted.get(each["node"])) for each in json.loads(ran.stdout)["entries"]], named)


if __name__ == "__main__":
    unittest.main()
