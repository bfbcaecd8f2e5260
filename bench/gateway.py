#!/usr/bin/env python3
"""GETs through a gateway that does not hold the object, against GETs of what it holds itself.

    bench/gateway.py [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE]     needs build/release, wrk

Two nodes, redundancy 1. With three cores or more, the node that holds the object has a core of its own; with two it shares the gateway's,
and then the goal asks one core to do the work of both. Processor time does not depend on that: the last column is what the gateway's own
would let it serve, if the other node was elsewhere.
Source: design section 8.
"""
import chart
from measure import CORES, SIZES, Ratio, Report, alternate, cluster, folder, median, options, wrk
from harness import content

CONNECTIONS = (16, 64)
GOAL = 0.5


def place(number):
    core = CORES[1] if len(CORES) > 2 and number == 2 else CORES[0]
    return "127.0.0.1", ("taskset", "-c", str(core))


def store(gateway, holder, size):
    """The key of an object that the gateway holds, and one that only the other node holds."""
    keys = {}
    for number in range(1000):
        key = f"{size}/{number}"
        keys.setdefault(gateway.locate(key)["read_from"]["node"], key)
        if len(keys) == 2:
            break
    for key in keys.values():
        assert gateway.request("PUT", f"/o/{key}", content(key, size)).status == 201
        assert gateway.request("GET", f"/o/{key}").body == content(key, size)
    return keys[gateway.name], keys[holder.name]


def main():
    report = Report(options(__doc__))
    given, ratios, alone = report.given, {}, {}
    with folder() as path, cluster(f"{path}/nodes", 2, place=place) as nodes:
        gateway, holder = nodes.nodes
        pids = [node.process.pid for node in nodes.nodes]
        report.table("GET, connections", "own, a second", "through the gateway", "ratio", "p99 ms", "through", "processor us", "both nodes",
                     "gateway alone", "ratio by its processor time")
        for size, label in SIZES.items():
            own, other = store(gateway, holder, size)
            for connections in CONNECTIONS:
                load = lambda key: lambda: wrk(f"{gateway.url}/o/{key}", connections, given.seconds, pids)  # noqa: E731
                samples = alternate(given.rounds, {"own": load(own), "through": load(other)})
                here, through = samples["own"], samples["through"]
                ratio, by_time = Ratio(through, here), Ratio(here, through, "first")
                name = f"{label}, {connections}"
                ratios[name], alone[name] = ratio.median, by_time.median
                report.row(name, f"{median(here):.0f}", f"{median(through):.0f}", ratio, f"{median(here, 'p99'):.2f}",
                           f"{median(through, 'p99'):.2f}", f"{median(here, 'used'):.1f}", f"{median(through, 'used'):.1f}",
                           f"{median(through, 'first'):.1f}", by_time)
                shared = "one core for both nodes" if len(CORES) < 3 else "a core each"
                report.goal(f"GET {label} through a gateway, {connections} connections", f"own GET, {shared}", f"{GOAL} of its rate", ratio,
                            ratio.median >= GOAL)
    if given.chart:
        chart.bars(given.chart, "GET through a gateway, by size and connections", "of the rate of an own GET", list(ratios),
                   {"by rate, as pinned here": list(ratios.values()), "by the gateway's processor time": list(alone.values())},
                   [GOAL] * len(ratios))
    report.end()


if __name__ == "__main__":
    main()
