"""Two of five nodes cut off from the rest, each node in a network namespace of its own. Needs root; skipped without."""
import http.client
import statistics
import threading
import time
import unittest

from harness import ClusterTest, check_all, content, figure, wait_for
from network import Network, in_namespace, own_namespace


class Watch:
    """GETs of an object at one node, four side by side, each 10 ms after the last.
    Invariant: `answers` holds (began, ended, what), where what is 200, "no-quorum" or anything else."""

    def __init__(self, node, key):
        self.node, self.key, self.answers, self.over = node, key, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over.wait(0.01):
            began = time.monotonic()
            what = ask(self.node, self.key, timeout=1)
            self.answers.append((began, time.monotonic(), what))

    def moments(self, what):
        """When such requests began and ended, in the order of their ends."""
        return sorted(((began, ended) for began, ended, each in list(self.answers) if each == what), key=lambda m: m[1])

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Requests:
    """One request for each of `keys` at each of `nodes`, all begun now, with their outcomes to be looked at later."""

    def __init__(self, nodes, keys, method="GET", body=None):
        self.began, self.outcomes = time.monotonic(), []
        self.threads = [threading.Thread(target=self.run, args=(node, key, method, body))
                        for node in nodes for key in keys]
        for thread in self.threads:
            thread.start()

    def run(self, node, key, method, body):
        what = ask(node, key, 90, method, body)
        self.outcomes.append((time.monotonic() - self.began, f"{key} at {node.name}", what))

    def check(self, test, name, allowed):
        for thread in self.threads:
            thread.join()
        for _, where, what in self.outcomes:
            test.assertIn(what, allowed, f"{name}: {where}")
        waits = [1000 * seconds for seconds, _, _ in self.outcomes]
        figure(f"{name}_ms_median", round(statistics.median(waits)))
        figure(f"{name}_ms_max", round(max(waits)))


def ask(node, key, timeout, method="GET", body=None):
    """200, the name of a problem, or what went wrong on the way."""
    try:
        answer = node.request(method, f"/o/{key}", body, timeout=timeout)
        return answer.problem() or answer.status
    except (OSError, http.client.HTTPException) as error:
        return repr(error)


class Partition(ClusterTest):
    def test_a_minority_that_is_cut_off_stops_and_the_majority_goes_on(self):
        if not own_namespace():
            self.skipTest("network namespaces are not permitted here: run as root")
        network = Network(5)
        cluster = self.make_cluster(5, in_namespace)
        load = self.start_load(cluster)
        load.wait_for_more(100)
        # The harder case: the coordinator is among those cut off.
        coordinator = wait_for("all agree on a coordinator", 60, cluster.coordinator)
        away = [coordinator, next(node for node in cluster.nodes if node is not coordinator)]
        majority = [node for node in cluster.nodes if node not in away]
        held, unheld = self.find_keys(cluster, away)
        watches = [Watch(node, held[node]) for node in away]
        for watch in watches:
            self.addCleanup(watch.over.set)
            wait_for(f"{watch.node.name} serves {watch.key}", 30, lambda: watch.moments(200))
        numbers = [cluster.nodes.index(node) + 1 for node in away]
        cut = time.monotonic()
        network.cut_off(numbers)
        outside = Requests(away, unheld)
        reads = Requests(majority, held.values())
        writes = Requests(majority, held.values(), "PUT", b"written anew")
        for watch in watches:
            wait_for(f"{watch.node.name} says no-quorum", 30, lambda: watch.moments("no-quorum"))
        wait_for("a coordinator of the majority", 60, lambda: cluster.coordinator(majority) in majority)
        figure("cut_off_new_coordinator_ms", round(1000 * (time.monotonic() - cut)))
        written = {f"cut/{number}": 2000 for number in range(30)}
        for number, (key, size) in enumerate(written.items()):
            node = majority[number % len(majority)]
            # Four copies: two nodes of five can be away, and an in-sync one is left.
            headers = {"Brigade-Redundancy": "4"}
            self.assertIn(node.patient("PUT", f"/o/{key}", content(key, size), headers).status, (200, 201))
        for node in away:
            self.assertEqual(ask(node, "never-stored", timeout=5), "no-quorum", f"{node.name} while it is cut off")
        self.check_silence(watches, cut)
        outside.check(self, "cut_off_unheld_answered", ("no-quorum", "unavailable"))
        reads.check(self, "majority_get_answered", (200, "unavailable"))
        writes.check(self, "majority_put_answered", (200, "unavailable", "timeout"))
        network.heal(numbers)
        healed = time.monotonic()
        cluster.wait_ready()
        figure("healed_ready_ms", round(1000 * (time.monotonic() - healed)))
        cluster.wait_settled()
        wait_for("all agree on a coordinator", 60, cluster.coordinator)
        check_all(cluster.nodes, {**load.stop(), **written})

    def find_keys(self, cluster, away):
        """For each node that will be away, an object that it reads from its own disk, and that somebody else holds who
        will stay; and objects that only those hold who will stay."""
        held, unheld, names = {}, [], {node.name for node in away}
        for number in range(200):
            key = f"before/{number}"
            self.assertIn(cluster.nodes[0].patient("PUT", f"/o/{key}", content(key, 3000)).status, (200, 201))
            place = cluster.nodes[0].locate(key)
            first = next(node for node in cluster.nodes if node.name == place["read_from"]["node"])
            lost = names & {each["node"] for each in place["held_by"]}
            if first in away and len(lost) == 1:
                held.setdefault(first, key)
            elif not lost:
                unheld.append(key)
            if len(held) == len(away) and len(unheld) >= 4:
                return held, unheld[:4]
        self.fail("no object is where this test needs one")

    def check_silence(self, watches, cut):
        served = []
        for watch in watches:
            watch.stop()
            silent = watch.moments("no-quorum")[0][1]
            last_began, last_ended = watch.moments(200)[-1]
            self.assertLess(last_began, silent, f"{watch.node.name} served again after it had said no-quorum")
            self.assertNotIn("not-found", {what for _, _, what in watch.answers})
            served.append(last_ended - cut)
        figure("cut_off_minority_last_served_ms", round(1000 * max(served)))


if __name__ == "__main__":
    unittest.main()
