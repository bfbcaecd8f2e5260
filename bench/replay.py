#!/usr/bin/env python3
"""The load of a media archive of 2005, scaled to this disk: one node, cold and warm, against preads of the same files.

    bench/replay.py [--quick] [--objects N] [--rounds N] [--seconds N] [--under DIR] [--json FILE] [--chart FILE]

3.09 million objects of 63.8 kB in the mean, log-normal up to 23 MB; a CDN has answered for the most popular tenth, so that what is left is
nearly uniform (bench/objects.h). All are stored over HTTP; then one request of twenty stores a new one beside the reads. The
reference reads as many bytes as the objects have, at random places of the node's own files, with as many threads as there are
connections. Cold: the kernel was told to forget the files; warm: all of them were read before.
Needs build/release, and room for 2.5 times the objects.
Source: the workload of the 2005 report that the design comes from.
"""
import os
import pathlib
import statistics

import chart
import measure
from load import Load, disk_reads

ARCHIVE, MEAN = 3_090_000, 63_800
OBJECTS, OBJECTS_QUICK = 200_000, 5_000
PUT_SHARE, CONNECTIONS = 0.05, 16


def files(folder):
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


def forget(folder):
    """Makes the page cache forget these files, and no others: what is dirty is written first."""
    os.sync()
    for path in files(folder):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_all(folder):
    for path in files(folder):
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 22):
                pass


def read_from_disk(pid):
    """Bytes that the process has made the disk read."""
    lines = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["read_bytes"])


class Replay:
    def __init__(self, node, given, report):
        self.folder, self.pid, self.given, self.report = f"{node.dir}/objects", node.process.pid, given, report
        self.load = Load([node], connections=CONNECTIONS)

    def fill(self, count):
        self.row("all stored: PUT", [self.load.fill(count)])

    def reads(self, state):
        """GETs with PUTs beside them, and the reference, in turn; each begins cold or all warm, as `state` says."""
        gets, puts, references, shares = [], [], [], []
        prepare = {"cold": forget, "warm": read_all}[state]
        for _ in range(self.given.rounds):
            prepare(self.folder)
            before = read_from_disk(self.pid)
            get, put = self.load.mixed(PUT_SHARE, seconds=self.given.seconds)
            shares.append((read_from_disk(self.pid) - before) / (get.rate * self.given.seconds * MEAN))
            gets.append(get)
            puts.append(put)
            prepare(self.folder)
            references.append(disk_reads(self.folder, self.given.seconds, CONNECTIONS))
        ratio = measure.Ratio(gets, references)
        self.row(f"{state}: GET", gets, str(ratio), f"{100 * statistics.median(shares):.0f} %")
        self.row("... PUT beside it", puts)
        self.row("... pread", references)
        return gets, ratio

    def row(self, what, samples, ratio="", share=""):
        used = measure.median(samples, "used")
        self.report.row(what, f"{measure.median(samples):.0f}", *(f"{measure.median(samples, name):.3g}" for name in ("p50", "p99", "p99_9")),
                        f"{used:.0f}" if used else "", ratio, share)


def main():
    def more(parser):
        parser.add_argument("--objects", type=int)
        parser.add_argument("--under", metavar="DIR", help="a folder on the disk in question")

    given = measure.options(__doc__, rounds=3, seconds=10, more=more)
    report = measure.Report(given)
    count = given.objects or (OBJECTS_QUICK if given.quick else OBJECTS)
    print(f"{count} objects, {count * MEAN / 1e9:.1f} GB: a {ARCHIVE / count:.0f}th of the archive; one node, {CONNECTIONS} connections\n")
    with measure.folder(given.under) as folder, measure.cluster(f"{folder}/node", 1) as cluster:
        replay = Replay(cluster.nodes[0], given, report)
        report.table("log-normal objects", "a second", "p50 ms", "p99 ms", "p99.9 ms", "processor us", "of pread's rate", "bytes from the disk")
        replay.fill(count)
        found = {state: replay.reads(state) for state in ("cold", "warm")}
    report.end()
    if given.chart:
        names = {"p50": "p50", "p99": "p99", "p99.9": "p99_9"}
        series = {state: [measure.median(gets, field) for field in names.values()] for state, (gets, _) in found.items()}
        chart.bars(given.chart, "GET of the archive's objects", "ms", tuple(names), series)


if __name__ == "__main__":
    main()
