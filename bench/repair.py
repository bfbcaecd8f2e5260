#!/usr/bin/env python3
"""What a cluster of real processes does, and its clients have to wait, when its nodes change.

    bench/repair.py [lost-node|join|drain|rolling-restart] [--quick] [--json FILE]      all of them, unless one is named

    lost-node         one of ten nodes is killed for good: until every object has its copies again
    join, drain       a tenth node comes, or goes: until all have their shares
    rolling-restart   three nodes restart one after the other

Clients (steady_clients.py) read and write at a steady rate, before and during the change. What had to be copied follows from the receipts of the PUTs, which
say who had the object then, and from the stores and the map at the end: a record that a node is to have now, and was not sent then.
Source: design sections 4 and 5.
"""
import collections
import contextlib
import json
import re
import subprocess
import time

from measure import PATIENT, Cluster, Report, folder, options, wait_for  # first: it knows where the harness is

from harness import BRIGADE, SETTLE_SECONDS, run_cli
from steady_clients import SteadyClients, size_of, store_all

BUCKETS = 65_536
GRACE_SECONDS = 5
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"  # of the owners in /cluster/map


@contextlib.contextmanager
def cluster_of(count, settings):
    with folder() as root:
        cluster = Cluster(root, lambda number: ("127.0.0.1", ()), settings)
        try:
            cluster.start(count)
            yield cluster
        finally:
            cluster.close()


def get_json(node, path):
    return json.loads(node.patient("GET", path).body)


def fetched_bytes(node):
    return int(float(re.search(r"^brigade_fetched_bytes_total (\S+)$", node.request("GET", "/metrics").body.decode(), re.MULTILINE)[1]))


def shares(node):
    return {each["name"]: each["buckets"] for each in get_json(node, "/cluster")["roster"]}


def is_balanced(node, names):
    """The nodes with these names own all buckets, each its share of them within one, and serve them."""
    view = node.cluster()
    if not view or any(count for state, count in view["buckets"].items() if state != "serving"):
        return False
    owned = {each["name"]: each["buckets"] for each in view["roster"]}
    return all(abs(owned.pop(name, 0) - BUCKETS / len(names)) < 1 for name in names) and not any(owned.values())


def least_moves(before, count):
    """The fewest buckets that change owners so that `count` nodes have equal shares; `before`: of those that have one afterwards."""
    low, high = BUCKETS // count, -(-BUCKETS // count)
    left_over = BUCKETS - sum(before)
    return max(left_over + sum(max(have - high, 0) for have in before), sum(max(low - have, 0) for have in before))


def buckets_said(lines, words):
    """Added up from phrases of the log such as "12 buckets moved to n3"."""
    return sum(int(number) for text in lines for number in re.findall(rf"(\d+) buckets? {words}", text))


def records_of(node):
    """The live objects in the store of a node that has ended: (key, home bucket, level, size)."""
    command = [BRIGADE, "store", "dump", "--data", node.dir, "--json"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        record = json.loads(line)
        if record["state"] == "live":
            yield record["key"], int(record["id"][:4], 16), record["level"], record["size"]


class Run:
    """A settled cluster that holds objects, and clients at work."""

    def __init__(self, cluster, objects, calm, **rates):
        self.cluster, self.asked = cluster, cluster.nodes[0]
        self.keys = [f"media/{number}" for number in range(objects)]
        self.holders = store_all(cluster.nodes, self.keys)
        self.wait_whole()
        self.fetched = collections.Counter({node.name: fetched_bytes(node) for node in cluster.nodes})
        self.clients, self.seq = SteadyClients(cluster.nodes, self.keys, **rates), self.asked.cluster()["commit"]
        self.calm_from = time.monotonic() + 1
        time.sleep(calm)
        self.changed_at = time.monotonic()

    def wait_whole(self):
        """The first proof that every object has its copies; in it, how many were none before."""
        for before in range(1000):
            found = json.loads(self.asked.request("GET", "/cluster/verify", timeout=120).body)
            if found["whole"]:
                return {**found, "not_yet": before}
            time.sleep(0.1)
        raise AssertionError(f"not whole: {found}")

    def wait_balanced(self, names):
        """Returns the moment."""
        return wait_for("equal shares", SETTLE_SECONDS, lambda: is_balanced(self.asked, names) and time.monotonic())

    def log(self):
        """What has happened since the clients began."""
        lines, seq = [], self.seq
        while page := get_json(self.asked, f"/cluster/log?after={seq}&limit=1000")["entries"]:
            lines += [entry["text"] for entry in page]
            seq = page[-1]["seq"]
        return lines

    def figures(self, until):
        """Ends clients and nodes, and looks at what they have."""
        self.clients.stop()
        live, the_map = self.cluster.live(), get_json(self.asked, "/cluster/map")
        moved = sum(fetched_bytes(node) - self.fetched[node.name] for node in live)
        lines = self.log()
        self.cluster.kill(live)
        had_to = sum(self.copied_bytes(node, the_map) for node in live)
        return {"objects": len(self.keys), "bytes": sum(map(size_of, self.keys)),
                "inherited_buckets": buckets_said(lines, r"to \S+ \(loss\)"), "moved_buckets": buckets_said(lines, "moved to"),
                "bytes_that_had_to_move": had_to, "bytes_moved": moved, "ratio": round(moved / max(had_to, 1), 4),
                "before": self.clients.between(self.calm_from, self.changed_at),
                "during": self.clients.between(self.changed_at, until)}

    def copied_bytes(self, node, the_map):
        """Of what the node is to have, and had not got from the client."""
        names = [each["name"] for each in the_map["nodes"]]
        digits = [DIGITS.index(digit) for digit in the_map["owners"]]
        owned = {bucket for bucket in range(BUCKETS) if 64 * digits[2 * bucket] + digits[2 * bucket + 1] == names.index(node.name)}
        holders = {**self.holders, **self.clients.holders}
        total = 0
        for key, home, level, size in records_of(node):
            first = home >> level << level
            if node.name not in holders.get(key, {node.name}) and owned & set(range(first, first + (1 << level))):
                total += size
        return total


def lost_node(quick):
    nodes, objects, calm = (5, 1000, 5) if quick else (10, 20_000, 20)
    # So many processes on so few cores would starve, and be taken for dead, at the default timeouts.
    with cluster_of(nodes, (*PATIENT, f"grace={GRACE_SECONDS}s")) as cluster:
        run = Run(cluster, objects, calm)
        lost = next(node for node in reversed(cluster.nodes) if node is not cluster.coordinator())
        others = [node.name for node in cluster.nodes if node is not lost]
        killed = run.changed_at = cluster.kill([lost])
        down = wait_for("it counts as down", 60, lambda: time.monotonic() if any(
            each["name"] == lost.name and not each["up"] for each in run.asked.cluster().get("roster", [])) else None)
        balanced = run.wait_balanced(others)
        found, whole = run.wait_whole(), time.monotonic()
        return {"nodes": nodes, "down_s": down - killed, "balanced_s": balanced - killed, "whole_s": whole - killed,
                "whole_after_grace_s": whole - down - GRACE_SECONDS, "proofs_not_whole": found["not_yet"],
                "mended_by_proof": found["mended"], **run.figures(whole)}


def move(run, change, names):
    """`names`: who has a share afterwards."""
    before = shares(run.asked)
    run.changed_at = time.monotonic()
    change()
    balanced = run.wait_balanced(names)
    found, owned = run.wait_whole(), shares(run.asked)
    return {"nodes": len(before), "least_moves": least_moves([before.get(name, 0) for name in names], len(names)),
            "shares": [min(owned[name] for name in names), max(owned[name] for name in names)], "balanced_s": balanced - run.changed_at,
            "proofs_not_whole": found["not_yet"], "mended_by_proof": found["mended"], **run.figures(balanced)}


def join(quick):
    nodes, objects, calm = (4, 1000, 5) if quick else (9, 20_000, 20)
    with cluster_of(nodes, PATIENT) as cluster:
        run = Run(cluster, objects, calm)
        return move(run, cluster.grow, [f"n{number + 1}" for number in range(nodes + 1)])


def drain(quick):
    nodes, objects, calm = (5, 1000, 5) if quick else (10, 20_000, 20)
    with cluster_of(nodes, PATIENT) as cluster:
        run = Run(cluster, objects, calm)
        leaving = cluster.nodes[-1].name

        def change():
            done = run_cli("drain", leaving, "--node", run.asked.url, "--data", run.asked.dir)
            assert done.returncode == 0, done

        return move(run, change, [node.name for node in cluster.nodes[:-1]])


def rolling_restart(quick):
    rounds, objects, calm = (1, 300, 3) if quick else (5, 2000, 10)
    with cluster_of(3, ()) as cluster:
        run = Run(cluster, objects, calm, reads=60, writes=40)
        stops = []
        for _ in range(rounds):
            for node in cluster.nodes:
                began = time.monotonic()
                assert node.stop() == 0
                stops.append(time.monotonic() - began)
                node.start()
                node.wait_ready()
                run.asked = node
                cluster.wait_settled()
        until = time.monotonic()
        found = run.wait_whole()
        return {"nodes": 3, "restarts": 3 * rounds, "longest_stop_s": max(stops), "seconds": until - run.changed_at,
                "proofs_not_whole": found["not_yet"], "mended_by_proof": found["mended"], **run.figures(until)}


REPORTS = {"lost-node": lost_node, "join": join, "drain": drain, "rolling-restart": rolling_restart}


def clients_text(figures):
    refused = ", ".join(f"{count} {why}" for why, count in sorted(figures["refused"].items()))
    return (f"{figures['p50_ms']} ms, {figures['p99_ms']} ms, {figures['longest_ms']} ms; "
            f"{figures['retried']} of {figures['requests']}{f' ({refused})' if refused else ''}; {len(figures['failed'])}")


def rows(report, found):
    """(what, measured) of a table."""
    seconds = lambda name: f"{found[name]:.1f} s"  # noqa: E731
    yield f"{report}: nodes; objects; bytes of them", f"{found['nodes']}; {found['objects']}; {found['bytes'] / 2**20:.0f} MiB"
    if report == "lost-node":
        yield "from the kill until the log says that it is down", seconds("down_s")
        yield f"... until every object has its copies; without the grace of {GRACE_SECONDS} s", f"{seconds('whole_s')}; {seconds('whole_after_grace_s')}"
        yield "buckets that it had; that were moved besides", f"{found['inherited_buckets']}; {found['moved_buckets']}"
    elif report == "rolling-restart":
        yield "restarts; in; the longest stop", f"{found['restarts']}; {seconds('seconds')}; {seconds('longest_stop_s')}"
    else:
        yield "until all have their shares", seconds("balanced_s")
        yield "buckets moved; at least; buckets of a node then", f"{found['moved_buckets']}; {found['least_moves']}; {found['shares'][0]} to {found['shares'][1]}"
    yield "proofs by `brigade verify` that something lacked then; objects that they mended", f"{found['proofs_not_whole']}; {found['mended_by_proof']}"
    if report != "rolling-restart":  # there a node is to have what clients sent to its stand-in
        yield "bytes copied; that had to be; ratio", f"{found['bytes_moved']}; {found['bytes_that_had_to_move']}; {found['ratio']}"
    for when in ("before", "during"):
        yield f"clients {when}: p50, p99, longest; asked again (of these answers); failed", clients_text(found[when])


def goals(report, found):
    """(what, goal, reached, met)."""
    if report == "rolling-restart":
        longest = found["during"]["longest_ms"]
        yield "longest request, all its repetitions included", "2 s", f"{longest} ms", longest <= 2000
    else:
        yield "bytes copied over those that had to be", "1.02", found["ratio"], found["ratio"] <= 1.02
    if report in ("join", "drain"):
        moves, spread = found["moved_buckets"] / found["least_moves"], found["shares"][1] - found["shares"][0]
        yield "buckets moved over the fewest that could be", "1.01", f"{moves:.4f}", moves <= 1.01
        yield "difference of shares", "1 bucket", spread, spread <= 1
    failed = len(found["during"]["failed"])
    yield "requests that failed meanwhile", "0", failed, failed == 0


def main():
    given = options(__doc__, more=lambda parser: parser.add_argument("report", nargs="?", choices=REPORTS, help="one of them"))
    told = Report(given)
    for report in [given.report] if given.report else REPORTS:
        found = REPORTS[report](given.quick)
        told.table("what", "measured")
        for row in rows(report, found):
            told.row(*row)
        for what, goal, reached, met in goals(report, found):
            told.goal(f"{report}: {what}", "", goal, reached, met)
    told.end()


if __name__ == "__main__":
    main()
