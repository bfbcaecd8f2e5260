#!/usr/bin/env python3
"""How long a cluster takes after its coordinator was killed, over and over.

    bench/failover.py [--quick] [--runs N] [--json FILE] [--chart FILE]     needs build/release

Five nodes at default settings share all cores with four writers. Each run kills the coordinator (SIGKILL), starts it again once all is
measured, and waits until the cluster has settled. From the kill until
- the first transaction of the new epoch is committed: the earliest time that a survivor's log gives for it;
- a PUT is acknowledged that began after the kill: of any key, and of one of which the killed node held a copy (it waits until the log says that
  the node is down and who stands in for it);
- the longest time without an acknowledgement that any writer saw is the gap.
Source: design section 8.
"""
import http.client
import json
import threading
import time
from datetime import datetime

import chart
from measure import Report, cluster, folder, options
from harness import Load, content, percentile, wait_for

RUNS, RUNS_QUICK = 100, 10
GOAL_MS = 1000
KINDS = {"committed": "first transaction committed", "any": "first PUT acknowledged", "its": "first PUT of a key that it held",
         "gap": "longest gap between acknowledged PUTs"}


def keys_held(nodes):
    """{name: a key of which the node holds a copy}."""
    held = {}
    for number in range(1000):
        key = f"held/{number}"
        assert nodes[0].patient("PUT", f"/o/{key}", content(key, 4096)).status in (200, 201)
        for holder in nodes[0].locate(key)["held_by"]:
            held.setdefault(holder["node"], key)
        if len(held) == len(nodes):
            return held
    raise AssertionError(f"keys for {sorted(held)} only")


class Writer(threading.Thread):
    """PUTs one key at one node until it is acknowledged; `at` is when."""

    def __init__(self, node, key):
        super().__init__()
        self.node, self.key, self.at = node, key, None
        self.start()

    def run(self):
        end = time.monotonic() + 60
        while self.at is None and time.monotonic() < end:
            try:
                if self.node.request("PUT", f"/o/{self.key}", content(self.key, 4096)).status in (200, 201):
                    self.at = time.monotonic()
            except (OSError, http.client.HTTPException):
                time.sleep(0.002)


def first_committed(nodes, seq, epoch):
    """When a node of `nodes` first had a transaction above `seq` and of a later epoch applied, as seconds of the wall clock."""
    times = []
    for node in nodes:
        for entry in json.loads(node.request("GET", f"/cluster/log?after={seq}&limit=100").body)["entries"]:
            if int(entry["epoch"].split(".")[0]) > epoch and entry["time"]:
                times.append(datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp())
    return min(times, default=None)


def kill_coordinator(nodes, load, held):
    """One run: {kind: ms}."""
    victim = wait_for("all agree on a coordinator", 60, nodes.coordinator)
    view = victim.cluster()
    others = [node for node in nodes.nodes if node is not victim]
    killed, wall = time.monotonic(), time.time()
    victim.process.kill()
    writer = Writer(others[0], held[victim.name])
    victim.process.wait()
    wait_for("a new coordinator", 60, lambda: nodes.coordinator(others) not in (None, victim))
    writer.join()
    assert writer.at, f"no PUT of {writer.key} was acknowledged within a minute"
    load.wait_for_more(50)
    found = {"committed": first_committed(others, view["commit"], view["epoch"]["counter"]) - wall,
             "any": wait_for("an acknowledged PUT", 60, lambda: load.first_after(killed)), "its": writer.at - killed,
             "gap": load.longest_gap(killed)}
    victim.start()
    victim.wait_ready()
    nodes.wait_settled()
    return {kind: 1000 * seconds for kind, seconds in found.items()}


def main():
    given = options(__doc__, more=lambda parser: parser.add_argument("--runs", type=int))
    report, runs = Report(given), given.runs or (RUNS_QUICK if given.quick else RUNS)
    with folder() as path, cluster(f"{path}/nodes", 5, (), lambda number: ("127.0.0.1", ())) as nodes:
        held, load = keys_held(nodes.nodes), Load(nodes)
        try:
            found = [kill_coordinator(nodes, load, held) for _ in range(runs)]
        finally:
            load.over.set()
        acknowledged = len(load.stop())
    report.table(f"coordinator killed, {runs} runs: ms until", "p50", "p99", "most")
    columns = {kind: sorted(run[kind] for run in found) for kind in KINDS}
    for kind, name in KINDS.items():
        p50, p99 = (percentile(columns[kind], share) for share in (50, 99))
        report.row(name, f"{p50:.0f}", f"{p99:.0f}", f"{columns[kind][-1]:.0f}")
        if kind != "gap":
            report.goal(f"coordinator killed: {name}", f"p99 of {runs} runs", f"under {GOAL_MS} ms", f"{p99:.0f} ms", p99 < GOAL_MS)
    print(f"\n{acknowledged} PUTs were acknowledged meanwhile")
    if given.chart:
        curves = {KINDS[kind]: [(values[0], 0)] + [(ms, 100 * (i + 1) / runs) for i, ms in enumerate(values)]
                  for kind, values in columns.items() if kind != "gap"}
        chart.lines(given.chart, f"Coordinator killed, {runs} runs", "% of runs", "ms after the kill", curves)
    report.end()


if __name__ == "__main__":
    main()
