#!/usr/bin/env python3
"""Durable PUTs: one node against the disk and against HTTP alone; then what a second copy costs.

    bench/put.py [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE]     needs build/release, wrk; nginx-light to compare with

64 connections of wrk replace 128 MiB of objects over and over, as in a store in balance (retention 0s). Two things a node can't do quicker:
- the bare loop writes the same bytes on the same core and disk (TMPDIR), in groups as large as the node's were, with one pwritev and one
  fdatasync each (bench_store --bare; the kernel counts the node's writes in /proc);
- HTTP alone takes the same requests in, with a node's server, and drops them (bench_receive). nginx, which keeps them in files on a tmpfs
  and syncs nothing, is what others need for that.
The goal is set against the lesser of the two. "Both on one core" is what their processor times together would allow.
The second table: three nodes on one core, all of them asked in turn, redundancy 2 against redundancy 1.
Source: design section 8.
"""
import contextlib
import pathlib
import re
import statistics
import subprocess

import chart
from measure import (BUILD, ONE_COPY, SERVER, SIZES, Ratio, Report, Sample, alternate, cluster, folder, median, nginx, options, put_script,
                     warm_up, wrk)
from harness import PATIENT

CONNECTIONS = 64
GOAL, GOAL_TWO = 0.8, 0.45
BALANCE = ("retention=0s",)


@contextlib.contextmanager
def receiver():
    """HTTP alone: its URL and pid."""
    process = subprocess.Popen([*SERVER, str(BUILD / "bench" / "bench_receive")], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.kill()
        process.wait()


def writes(pid):
    """To files, so far; what goes to sockets is not in it. A node in balance makes one for each group of commits."""
    return int(re.search(r"^syscw: (\d+)$", pathlib.Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)[1])


class Disk:
    """The node's PUTs, and then the bare loop with the groups that those had."""

    def __init__(self, node, path, given):
        self.node, self.path, self.given, self.groups = node, path, given, []

    def ours(self, size, script):
        pid = self.node.process.pid
        before = writes(pid)
        sample = wrk(self.node.url, CONNECTIONS, self.given.seconds, [pid], script)
        self.groups.append(sample.rate * self.given.seconds / max(1, writes(pid) - before))
        self.rate = sample.rate
        return sample

    def bare(self, size):
        count = max(1, int(self.rate * self.given.seconds))
        group = max(1, round(self.groups[-1]))
        loop = (BUILD / "bench" / "bench_store", f"{self.path}/bare", "--bare", size, group, count)
        done = subprocess.run([*SERVER, *map(str, loop)], capture_output=True, text=True, check=True)
        rate, used = map(float, done.stdout.split())
        return Sample(rate, used=used)


def against_limits(report, path):
    """{size: MiB/s of ours, of the bare loop, of HTTP alone}."""
    given, rates = report.given, {}
    report.table("PUT, 64 connections", "a second", "MiB/s", "together", "bare loop", "ratio", "HTTP alone", "ratio", "nginx, not durable",
                 "both on one core", "p50, p99 ms", "processor us", "bare", "HTTP", "load's core")
    with receiver() as (http, http_pid), folder("/dev/shm") as memory, nginx(f"{memory}/nginx", {}) as (other, other_pid):
        for size, label in SIZES.items():
            script, theirs = put_script(f"{path}/{size}.lua", size), put_script(f"{path}/{size}-nginx.lua", size, "/put/")
            with cluster(f"{path}/{size}", 1, ONE_COPY + BALANCE) as nodes:
                disk = Disk(nodes.nodes[0], path, given)
                warm_up(disk.node.url, CONNECTIONS, size, script)
                subjects = {"ours": lambda: disk.ours(size, script), "bare": lambda: disk.bare(size),
                            "http": lambda: wrk(http, CONNECTIONS, given.seconds, [http_pid], script)}
                if other:
                    subjects["nginx"] = lambda: wrk(other, CONNECTIONS, given.seconds, [other_pid], theirs)
                samples = alternate(given.rounds, subjects)
            ours, bare, alone = samples["ours"], samples["bare"], samples["http"]
            to_disk, to_http = Ratio(ours, bare), Ratio(ours, alone)
            both = 1e6 / (median(bare, "used") + median(alone, "used"))
            report.row(label, f"{median(ours):.0f}", f"{median(ours) * size / 2**20:.0f}", f"{statistics.median(disk.groups):.1f}",
                       f"{median(bare):.0f}", to_disk, f"{median(alone):.0f}", to_http,
                       f"{median(samples['nginx']):.0f}" if other else "", f"{both:.0f}",
                       f"{median(ours, 'p50'):.1f}, {median(ours, 'p99'):.1f}", f"{median(ours, 'used'):.1f}",
                       f"{median(bare, 'used'):.1f}", f"{median(alone, 'used'):.1f}", f"{100 * median(ours, 'load'):.0f} %")
            limit, reached = max((("the disk", to_disk), ("HTTP alone", to_http)), key=lambda each: each[1].median)
            report.goal(f"durable PUT of {label}, {CONNECTIONS} connections", f"{limit}, the lesser limit", f"{GOAL} of its rate", reached,
                        reached.median >= GOAL)
            rates[label] = [median(each) * size / 2**20 for each in (ours, bare, alone)]
    return rates


def second_copy(report, path):
    given = report.given
    report.table("PUT, three nodes on one core", "redundancy 1, a second", "redundancy 2", "ratio", "p50, p99 ms", "redundancy 2",
                 "processor us", "redundancy 2")
    with cluster(f"{path}/three", 3, ("min_redundancy=1", *BALANCE, *PATIENT)) as nodes:
        pids = [node.process.pid for node in nodes.nodes]
        for size, label in SIZES.items():
            subjects = {}
            for copies in (1, 2):
                script = put_script(f"{path}/{size}-{copies}.lua", size, f"/o/copies-{copies}/",
                                    f"Brigade-Redundancy: {copies}", nodes.nodes)
                url, threads = nodes.nodes[0].url, len(nodes.nodes)
                warm_up(url, CONNECTIONS, size, script, threads)
                subjects[copies] = lambda script=script: wrk(url, CONNECTIONS, given.seconds, pids, script, threads)
            samples = alternate(given.rounds, subjects)
            one, two = samples[1], samples[2]
            ratio = Ratio(two, one)
            report.row(label, f"{median(one):.0f}", f"{median(two):.0f}", ratio, f"{median(one, 'p50'):.1f}, {median(one, 'p99'):.1f}",
                       f"{median(two, 'p50'):.1f}, {median(two, 'p99'):.1f}", f"{median(one, 'used'):.1f}", f"{median(two, 'used'):.1f}")
            report.goal(f"PUT of {label}, redundancy 2, three nodes", "redundancy 1", f"{GOAL_TWO} of its rate", ratio,
                        ratio.median >= GOAL_TWO)


def main():
    report = Report(options(__doc__))
    with folder() as path:
        rows = against_limits(report, path)
        second_copy(report, path)
    if report.given.chart:
        names = ("durable PUTs of one node", "write and fdatasync alone", "HTTP alone")
        chart.bars(report.given.chart, "PUT, 64 connections, one core", "MiB/s", list(rows),
                   {name: [row[i] for row in rows.values()] for i, name in enumerate(names)},
                   [GOAL * min(row[1:]) for row in rows.values()])
    report.end()


if __name__ == "__main__":
    main()
