#!/usr/bin/env python3
"""What safety costs, each part by itself: verifying what is read, durability of what is written, a digest that the client wants checked.

    bench/safety.py [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE]     needs build/release, wrk

No switch turns any of it off in a node, so
- verifying is the time of the checksum of as many bytes (bench_checksum) in the processor time of a GET, which has it in;
- durability is a node with its data on a disk (TMPDIR) against one with its data in memory (/dev/shm), where a sync is nothing;
- a digest is the same PUT with a Repr-Digest (SHA-256) and without, in memory, where nothing else takes its time.
TLS there is none.
Source: design section 8.
"""
import base64
import hashlib

import chart
from get import checksum_us
from measure import ONE_COPY, SIZES, Ratio, Report, alternate, cluster, folder, median, options, put_script, warm_up, wrk
from harness import content

CONNECTIONS = (1, 64)
VERIFYING_MAX = 10  # per cent


def verifying(report, path):
    costs = checksum_us()
    report.table("GET, 16 connections", "processor us", "of it verifying", "share", "a second", "without it, by processor time")
    with cluster(f"{path}/get", 1) as nodes:
        node = nodes.nodes[0]
        for size, label in SIZES.items():
            assert node.request("PUT", f"/o/{size}", content(str(size), size)).status == 201
            load = lambda: wrk(f"{node.url}/o/{size}", 16, report.given.seconds, [node.process.pid])  # noqa: E731
            samples = alternate(report.given.rounds, {"ours": load})["ours"]
            used, rate = median(samples, "used"), median(samples)
            share = 100 * costs[size] / used
            report.row(label, f"{used:.1f}", f"{costs[size]:.1f}", f"{share:.1f} %", f"{rate:.0f}", f"{rate * used / (used - costs[size]):.0f}")
            report.goal(f"verifying a GET of {label}", "its processor time", f"at most {VERIFYING_MAX} %", f"{share:.1f} %",
                        share <= VERIFYING_MAX)


def puts(report, path, memory):
    """{size and connections: ratio}; the tables of durability and, in the same stores, of digests."""
    found, digests, settings = {}, [], (*ONE_COPY, "retention=0s")
    report.table("PUT, connections", "durable, a second", "in memory", "ratio", "p50, p99 ms", "in memory", "processor us", "in memory")
    for size, label in SIZES.items():
        value = base64.b64encode(hashlib.sha256(b"x" * size).digest()).decode()
        plain = put_script(f"{path}/{size}.lua", size)
        checked = put_script(f"{path}/{size}-digest.lua", size, field=f"Repr-Digest: sha-256=:{value}:")
        with cluster(f"{path}/{size}", 1, settings) as on_disk, cluster(f"{memory}/{size}", 1, settings) as in_memory:
            nodes = {"disk": on_disk.nodes[0], "memory": in_memory.nodes[0]}
            load = lambda name, connections, script: lambda: wrk(  # noqa: E731
                nodes[name].url, connections, report.given.seconds, [nodes[name].process.pid], script)
            for node in nodes.values():
                warm_up(node.url, CONNECTIONS[-1], size, plain)
            for connections in CONNECTIONS:
                samples = alternate(report.given.rounds, {name: load(name, connections, plain) for name in nodes})
                disk, memory_only = samples["disk"], samples["memory"]
                ratio = Ratio(disk, memory_only)
                found[f"{label}, {connections}"] = ratio.median
                report.row(f"{label}, {connections}", f"{median(disk):.0f}", f"{median(memory_only):.0f}", ratio,
                           *(f"{median(each, 'p50'):.2f}, {median(each, 'p99'):.2f}" for each in (disk, memory_only)),
                           *(f"{median(each, 'used'):.1f}" for each in (disk, memory_only)))
            scripts = {"plain": plain, "checked": checked}
            digests.append((label, alternate(report.given.rounds, {
                name: load("memory", CONNECTIONS[-1], script) for name, script in scripts.items()})))
    report.table("PUT, 64 connections", "plain, a second", "with a digest", "ratio", "processor us", "with a digest")
    for label, samples in digests:
        without, with_it = samples["plain"], samples["checked"]
        report.row(label, f"{median(without):.0f}", f"{median(with_it):.0f}", Ratio(with_it, without), f"{median(without, 'used'):.1f}",
                   f"{median(with_it, 'used'):.1f}")
    return found


def main():
    report = Report(options(__doc__))
    with folder() as path, folder("/dev/shm") as memory:
        verifying(report, path)
        found = puts(report, path, memory)
    if report.given.chart:
        chart.bars(report.given.chart, "Durable PUT, one core, by size and connections", "of the rate without a disk", list(found),
                   {"durable": list(found.values())})
    report.end()


if __name__ == "__main__":
    main()
