#!/usr/bin/env python3
"""GETs of hot objects: one node against nginx with sendfile, the same bytes, the same core.

    bench/get.py [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE]     needs build/release, wrk, nginx-light

Server and load have a core each; rounds alternate; figures are medians. Processor time is what the server's process used. The share of
verification is the time of the checksum of as many bytes (bench_checksum) in the processor time of a GET.
Source: design section 8.
"""
import json
import subprocess

import chart
from measure import BUILD, SERVER, SIZES, Ratio, Report, alternate, cluster, folder, median, nginx, options, wrk
from harness import content

CONNECTIONS = (16, 64)
GOALS = {4096: 0.9, 65_536: 1.0, 1_048_576: 1.0}


def checksum_us():
    """What it takes to verify as many bytes."""
    out = subprocess.run([*SERVER, str(BUILD / "bench" / "bench_checksum"), "--benchmark_format=json"],
                         capture_output=True, text=True, check=True).stdout
    return {int(each["name"].split("/")[1]): each["cpu_time"] / 1000 for each in json.loads(out)["benchmarks"]}


def measure(report, node, other, other_pid):
    given, verifying, found = report.given, checksum_us(), {}
    report.table("GET, connections", "a second", "nginx", "ratio", "p99 ms", "nginx", "processor us", "nginx",
                 "of it verifying")
    for size, label in SIZES.items():
        for connections in CONNECTIONS:
            load = lambda url, pid: lambda: wrk(f"{url}/{size}", connections, given.seconds, [pid])  # noqa: E731
            subjects = {"ours": load(f"{node.url}/o", node.process.pid)}
            if other:
                subjects["nginx"] = load(other, other_pid)
            samples = alternate(given.rounds, subjects)
            ours, theirs = samples["ours"], samples.get("nginx")
            share = 100 * verifying[size] / median(ours, "used")
            cells = [f"{median(ours):.0f}", f"{median(theirs):.0f}" if theirs else "", Ratio(ours, theirs) if theirs else ""]
            for field, digits in (("p99", 2), ("used", 1)):
                cells += [f"{median(each, field):.{digits}f}" if each else "" for each in (ours, theirs)]
            report.row(f"{label}, {connections}", *cells, f"{share:.0f} %")
            if not theirs:
                continue
            ratio, late = Ratio(ours, theirs), Ratio(ours, theirs, "p99")
            found[f"{label}, {connections}"] = (ratio.median, GOALS[size])
            report.goal(f"GET {label}, {connections} connections", "nginx", f"{GOALS[size]} of its rate", ratio,
                        ratio.median >= GOALS[size])
            report.goal("... p99", "nginx", "no later", late, late.median <= 1)
    return found


def main():
    report = Report(options(__doc__))
    files = {str(size): content(str(size), size) for size in SIZES}
    with folder() as path, cluster(f"{path}/brigade", 1) as ours, nginx(f"{path}/nginx", files) as (other, pid):
        node = ours.nodes[0]
        for name, data in files.items():
            assert node.request("PUT", f"/o/{name}", data).status == 201
        found = measure(report, node, other, pid)
    if report.given.chart and found:
        ratios, goals = zip(*found.values())
        chart.bars(report.given.chart, "GET of hot objects, one core, by size and connections", "of nginx's rate",
                   list(found), {"this node": ratios}, goals)
    report.end()


if __name__ == "__main__":
    main()
