#!/usr/bin/env python3
"""What a node keeps in memory: for each object, and for each connection that waits.

    bench/memory.py [--quick] [--objects N] [--connections N] [--json FILE]     needs build/release, wrk

Objects of 100 bytes are put by wrk until there are 10^6 (quick: 10^5), and the node is started anew: what it keeps for them is its resident
memory above that of a node without any. For connections a new node is asked over 3 000 (quick: 1 000), which stay open: each makes one
request, or none, has the whole answer, and waits. What the kernel keeps for a socket is not in it.
Source: design sections 6 and 8.
"""
import contextlib
import re
import socket

from measure import Report, cluster, folder, options, put_script, resident_bytes, wrk
from harness import content, wait_for

GOAL_CONNECTION = 8192
SIZE = 100
REQUESTS = {"none": None, "GET of 4 KiB": ("GET", 4096), "GET of 64 KiB": ("GET", 65_536), "GET of 1 MiB": ("GET", 1_048_576),
            "PUT of 64 KiB": ("PUT", 65_536)}


def more(parser):
    parser.add_argument("--objects", type=int)
    parser.add_argument("--connections", type=int)


def stored(node):
    return int(float(re.search(r"^brigade_objects (\S+)", node.request("GET", "/metrics").body.decode(), re.MULTILINE)[1]))


def start_anew(node):
    node.stop()
    node.start()
    node.wait_ready()


def objects(report, path, count):
    with cluster(f"{path}/objects", 1) as nodes:
        node = nodes.nodes[0]
        start_anew(node)
        empty, number = resident_bytes(node.process.pid), 0
        while stored(node) < count:
            script = put_script(f"{path}/put.lua", SIZE, f"/o/{number}/", keys=1 << 40)
            wrk(node.url, 64, 1 if report.given.quick else 5, [], script)
            number += 1
        count, full = stored(node), resident_bytes(node.process.pid)
        start_anew(node)
        wait_for("all objects after the start", 60, lambda: stored(node) >= count)
        anew = resident_bytes(node.process.pid)
    report.table("resident memory", "MiB", "bytes an object")
    report.row("no objects", f"{empty / 2**20:.1f}", "")
    report.row(f"{count} objects, put", f"{full / 2**20:.1f}", f"{(full - empty) / count:.1f}")
    report.row("... after a start", f"{anew / 2**20:.1f}", f"{(anew - empty) / count:.1f}")


def ask(node, request):
    """A connection that has made its request and has its whole answer."""
    connection = socket.create_connection((node.host, node.client), timeout=30)
    if request is None:
        return connection
    method, size = request
    body = content("put", size) if method == "PUT" else b""
    connection.sendall(f"{method} /o/{size if method == 'GET' else 'put'} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
                       .encode() + body)
    with connection.makefile("rb") as answer:
        assert answer.readline().split()[1] in (b"200", b"201")
        fields = dict(line.lower().split(b": ", 1) for line in iter(lambda: answer.readline().strip(), b""))
        answer.read(int(fields[b"content-length"]))
    return connection


def connections(report, path, count):
    report.table("connections that wait, after", "connections", "grown by MiB", "bytes each")
    with cluster(f"{path}/connections", 1) as nodes:
        node = nodes.nodes[0]
        for request in REQUESTS.values():
            if request and request[0] == "GET":
                assert node.request("PUT", f"/o/{request[1]}", content(str(request[1]), request[1])).status == 201
        for name, request in REQUESTS.items():
            start_anew(node)
            for _ in range(100):
                ask(node, request).close()
            before = resident_bytes(node.process.pid)
            with contextlib.ExitStack() as held:
                for _ in range(count):
                    held.enter_context(ask(node, request))
                assert node.is_ready()
                grown = resident_bytes(node.process.pid) - before
            report.row(name, count, f"{grown / 2**20:.1f}", f"{grown / count:.0f}")
            report.goal(f"a connection that waits, after {'no request' if request is None else name}", "resident memory",
                        f"under {GOAL_CONNECTION} bytes", f"{grown / count:.0f}", grown / count < GOAL_CONNECTION)


def main():
    given = options(__doc__, more=more)
    report = Report(given)
    with folder() as path:
        objects(report, path, given.objects or (100_000 if given.quick else 1_000_000))
        connections(report, path, given.connections or (1000 if given.quick else 3000))
    report.end()


if __name__ == "__main__":
    main()
