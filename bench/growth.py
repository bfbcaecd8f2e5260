#!/usr/bin/env python3
"""What a request costs as a cluster grows: from 1 to 8 nodes, and from 10^4 objects on one node upwards.

    bench/growth.py [--quick] [--rounds N] [--seconds N] [--nodes MOST] [--objects MOST] [--json FILE] [--chart FILE]

The cost is the processor time of all nodes together for a request; they have one core, and the load the other. Nodes: objects of
64 KiB, redundancy 2, each connection at another node, so that of n nodes a share of 2/n of the GETs is answered by the node that was
asked, and the rest through it by another; what such a one costs follows from that share and the cost with two nodes, which hold
everything. Objects: 1 KiB each, one node, redundancy 1. MOST 0 leaves that table out. --chart draws FILE-nodes.svg and FILE-objects.svg. Needs build/release.
Source: design section 8.
"""
import time

import chart
import measure
from harness import PATIENT
from load import Load

NODES, NODES_QUICK, NODES_MOST = range(1, 9), (1, 2, 4, 8), 8
FEWEST, OBJECTS_MOST, OBJECTS_QUICK = 10_000, 1_000_000, 100_000
SIZE, SMALL = 65_536, 1024
HOT = 2000  # objects on the clusters of several nodes
FLAT = 1.25  # so much more may it cost
THROUGH = "GET through another node"


def at_rest(pids, seconds):
    """Processor time in ms a second."""
    used, began = sum(map(measure.processor_seconds, pids)), time.monotonic()
    time.sleep(seconds)
    return (sum(map(measure.processor_seconds, pids)) - used) / (time.monotonic() - began) * 1000


def costs(found):
    return {kind: measure.median(samples, "used") for kind, samples in found.items()}


def by_nodes(given, report):
    """Prints the table; gives {kind: [(nodes, us)]}."""
    report.table("nodes", "GETs answered where they come in", "us a GET", "... of the others", "us a PUT", "GET a second", "PUT a second", "at rest: ms a second, all nodes")
    curve = {"GET": [], THROUGH: [], "PUT": []}
    for count in (each for each in (NODES_QUICK if given.quick else NODES) if each <= given.nodes):
        with measure.folder() as folder, measure.cluster(f"{folder}/nodes", count, ("redundancy=2", *PATIENT)) as cluster:
            load = Load(cluster.nodes, SIZE)
            load.fill(HOT)
            found = measure.alternate(given.rounds, {"GET": lambda: load.get(given.seconds), "PUT": lambda: load.put(given.seconds)})
            rest = at_rest(load.pids, given.seconds)
        cost, here = costs(found), min(1, 2 / count)
        if here < 1:
            cost[THROUGH] = (cost["GET"] - here * dict(curve["GET"])[2]) / (1 - here)
        for kind, each in cost.items():
            curve[kind].append((count, each))
        report.row(count, f"{100 * here:.0f} %", *(f"{cost[kind]:.1f}" if kind in cost else "" for kind in curve),
                   *(f"{measure.median(samples):.0f}" for samples in found.values()), f"{rest:.0f}")
    return curve


def by_objects(given, report):
    """Prints the table; gives {GET, PUT: [(objects, us)]}."""
    report.table("objects", "us a GET", "us a PUT", "GET a second", "PUT a second", "RSS, MiB", "... bytes an object")
    curve = {"GET": [], "PUT": []}
    with measure.folder() as folder, measure.cluster(f"{folder}/node", 1) as cluster:
        load = Load(cluster.nodes, SMALL, connections=64)
        empty, count = measure.resident_bytes(load.pids[0]), FEWEST
        while count <= given.objects:
            puts = load.fill(count - load.stored)
            gets = measure.alternate(given.rounds, {"GET": lambda: load.get(given.seconds)})["GET"]
            cost = costs({"GET": gets, "PUT": [puts]})
            for kind in curve:
                curve[kind].append((count, cost[kind]))
            resident = measure.resident_bytes(load.pids[0])
            report.row(count, f"{cost['GET']:.1f}", f"{cost['PUT']:.1f}", f"{measure.median(gets):.0f}", f"{puts.rate:.0f}",
                       f"{resident / 2**20:.0f}", f"{(resident - empty) / count:.0f}")
            count *= 10
    return curve


def main():
    def more(parser):
        parser.add_argument("--nodes", type=int, metavar="MOST")
        parser.add_argument("--objects", type=int, metavar="MOST")

    given = measure.options(__doc__, rounds=3, more=more)
    given.nodes = NODES_MOST if given.nodes is None else given.nodes
    given.objects = (OBJECTS_QUICK if given.quick else OBJECTS_MOST) if given.objects is None else given.objects
    report = measure.Report(given)
    stem = (given.chart or "").removesuffix(".svg")
    if given.nodes:
        curve = by_nodes(given, report)
        judge(report, THROUGH, "nodes", curve[THROUGH])
        judge(report, "PUT", "nodes", curve["PUT"][1:])
        if stem:
            chart.lines(f"{stem}-nodes.svg", "Processor time of a request, 64 KiB, redundancy 2", "us", "nodes", curve)
    if given.objects:
        curve = by_objects(given, report)
        for kind, points in curve.items():
            judge(report, kind, "objects", points)
        if stem:
            chart.lines(f"{stem}-objects.svg", "Processor time of a request, 1 KiB, one node", "us", "objects", curve, logarithmic=True)
    report.end()


def judge(report, kind, unit, points):
    (few, before), (many, after) = points[0], points[-1]
    report.goal(f"processor time of a {kind}, {many} {unit}", f"{few} {unit}", f"at most {FLAT}", f"{after / before:.2f}", after <= FLAT * before)


if __name__ == "__main__":
    main()
