#!/usr/bin/env python3
"""GET and PUT of 64 KiB objects: three nodes against OpenStack Swift and Ceph's gateway with three replicas; nginx as the floor.

    bench/swift.py [--quick] [--rounds N] [--seconds N] [--json FILE] [--chart FILE]

All servers have one core together, and the load the other. All requests go to one node, or to the proxy. Redundancy is a power of two:
on three nodes 2 is two copies, and 4 is three, as many as Swift makes, for a node keeps one however many replica buckets it has.
Needs build/release, wrk, and for the comparison Swift, Ceph (bench/object_stores.py), nginx: whichever are here.
Source: design section 8.
"""
import contextlib
import http.client
import itertools
import pathlib
import signal
import sys
import urllib.parse
from dataclasses import dataclass

import chart
import measure
import object_stores
from harness import PATIENT, content

SIZE, OBJECTS, CONNECTIONS, GOAL = 65_536, 200, 16, 20
RUNS = itertools.count()  # each puts objects of its own
OTHERS = (("Swift, three replicas", object_stores.swift, object_stores.SWIFT_PROGRAMS, object_stores.SWIFT_PACKAGES),
          ("Ceph's gateway, three replicas", object_stores.ceph, object_stores.CEPH_PROGRAMS, object_stores.CEPH_PACKAGES))
GET_LUA = """
local made = 0
function request()
  made = made + 1
  return wrk.format("GET", "{path}/hot/" .. made % {objects}, {{ {header} }})
end
"""


@dataclass
class Subject:
    name: str
    url: str  # objects are below it
    pids: list
    header: tuple = ()

    @property
    def path(self):
        return urllib.parse.urlsplit(self.url).path.rstrip("/")

    def fill(self):
        """The objects that are asked for later."""
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        with contextlib.closing(connection):
            for number in range(OBJECTS):
                connection.request("PUT", f"{self.path}/hot/{number}", content(str(number), SIZE), dict([self.header] if self.header else []))
                answer = connection.getresponse()
                answer.read()
                assert answer.status in (200, 201), f"{self.name}: {answer.status}"

    def get(self, folder, seconds):
        script = pathlib.Path(f"{folder}/get.lua")
        header = '["{}"] = "{}"'.format(*self.header) if self.header else ""
        script.write_text(GET_LUA.format(path=self.path, objects=OBJECTS, header=header))
        return measure.wrk(self.url, CONNECTIONS, seconds, self.pids, str(script))

    def put(self, folder, seconds):
        field = ": ".join(self.header)
        script = measure.put_script(f"{folder}/put.lua", SIZE, prefix=f"{self.path}/put/{next(RUNS)}/", field=field, keys=10_000_000)
        return measure.wrk(self.url, CONNECTIONS, seconds, self.pids, script)


def subjects(stack, folder):
    """Ours with as many copies as Swift makes comes first."""
    for redundancy, copies in ((4, "three"), (2, "two")):
        nodes = stack.enter_context(measure.cluster(f"{folder}/{copies}", 3, (f"redundancy={redundancy}", *PATIENT))).nodes
        yield Subject(f"brigade, {copies} copies", f"{nodes[0].url}/o", [node.process.pid for node in nodes])
    for name, make, programs, packages in OTHERS:
        if object_stores.is_here(programs):
            url, header, pids = stack.enter_context(make(f"{folder}/{make.__name__}"))
            yield Subject(name, url, pids, header)
        else:
            print(f"{name}: not here (apt-get install {packages}): no comparison with it", file=sys.stderr)
    url, pid = stack.enter_context(measure.nginx(f"{folder}/nginx", {}))
    if url:
        yield Subject("nginx with WebDAV, one copy, not durable", url, [pid])


def end(*_):
    """What was started ends, too, and undisturbed: `timeout` asks twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit("ended by SIGTERM")


def main():
    given = measure.options(__doc__, seconds=5)
    signal.signal(signal.SIGTERM, end)
    report = measure.Report(given)
    with measure.folder() as folder, contextlib.ExitStack() as stack:
        every = list(subjects(stack, folder))
        for subject in every:
            subject.fill()
        report.table(f"64 KiB, {CONNECTIONS} connections", "a CPU second", "brigade with three copies has times as many", "a second", "p50 ms",
                     "p99 ms")
        ratios = {}
        for method, run in (("GET", Subject.get), ("PUT", Subject.put)):
            found = measure.alternate(given.rounds, {each.name: lambda each=each: run(each, folder, given.seconds) for each in every})
            for name, samples in found.items():
                ratio = measure.Ratio(samples, found[every[0].name], "used")
                report.row(f"{method}, {name}", f"{1e6 / measure.median(samples, 'used'):.0f}", ratio,
                           f"{measure.median(samples):.0f}", f"{measure.median(samples, 'p50'):.2f}", f"{measure.median(samples, 'p99'):.2f}")
                ratios.setdefault(name, []).append(ratio.median)
                if name in {other[0] for other in OTHERS}:
                    report.goal(f"{method} of 64 KiB, three copies: requests a CPU second", name, GOAL, f"{ratio.median:.1f}",
                                ratio.median >= GOAL)
    report.end()
    if given.chart:
        others = {name: values for name, values in ratios.items() if not name.startswith("brigade")}
        chart.bars(given.chart, "Requests a CPU second: brigade with three copies against others", "times as many", ("GET", "PUT"), others, (GOAL, GOAL))


if __name__ == "__main__":
    main()
