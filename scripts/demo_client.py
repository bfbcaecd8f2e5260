#!/usr/bin/env python3
"""The demo's client: an HTTP client that was not written for Brigade (Python's), with many requests at a time.

Used by scripts/demo. Keeps what was killed in DIR/demo-state.json, beside the dev.json that `brigade dev` wrote.
"""
import argparse
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import signal
import sys
import time
import urllib.parse

WORKERS = 8


def die(text):
    print(f"demo: {text}", file=sys.stderr)
    sys.exit(1)


def note(text):
    print(f"   {text}", flush=True)


class Cluster:
    def __init__(self, dev_json):
        # The copy: `brigade dev` takes its own away when it stops.
        self.folder = pathlib.Path(dev_json).parent
        source = self.folder / "demo.json"
        self.nodes = json.loads((source if source.exists() else pathlib.Path(dev_json)).read_text())["nodes"]
        self.state_file = self.folder / "demo-state.json"
        self.killed = json.loads(self.state_file.read_text()) if self.state_file.exists() else []

    def live(self):
        return [node for node in self.nodes if node["name"] not in self.killed]

    def named(self, name):
        return next(node for node in self.nodes if node["name"] == name)

    def kill(self, name):
        os.kill(self.named(name)["pid"], signal.SIGKILL)
        self.killed.append(name)
        self.save()

    def save(self):
        self.state_file.write_text(json.dumps(self.killed))


def request(node, method, target, body=None, timeout=10):
    """Status, fields and body of one answer; OSError or HTTPException if there is none."""
    connection = http.client.HTTPConnection(node["client"], timeout=timeout)
    try:
        connection.request(method, target, body=body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def get_json(node, target):
    status, _, body = request(node, "GET", target)
    if status != 200:
        raise OSError(f"{node['name']} answered {status} to {target}: {body[:200]!r}")
    return json.loads(body)


def target_of(key):
    return "/o/" + urllib.parse.quote(key, safe="/")


def until(seconds, attempt):
    """Calls `attempt` until it gives something, or None after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = attempt()
            if found is not None:
                return found
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.01)
    return None


def holders(node, key):
    located = get_json(node, "/cluster/locate/" + urllib.parse.quote(key, safe="/"))
    return {replica["owner"] for replica in located["replicas"] if replica.get("holds")} | {
        replica["new_owner"] for replica in located["replicas"] if replica.get("new_owner")}


def read_and_compare(node, key, expected):
    """Problem text, or None if the node gave exactly these bytes."""
    status, _, body = request(node, "GET", target_of(key), timeout=30)
    if status != 200:
        return f"{key}: {node['name']} answered {status}: {body[:200].decode(errors='replace')}"
    if hashlib.sha256(body).hexdigest() != expected:
        return f"{key}: {node['name']} gave other bytes"
    return None


def read(cluster, media, mode):
    files = sorted(path for path in pathlib.Path(media).iterdir() if path.is_file())
    if len(files) < 200:
        die(f"only {len(files)} media files in {media}, at least 200 are wanted")
    live = cluster.live()
    started = time.monotonic()

    def one(numbered):
        number, path = numbered
        key = "demo/" + path.parent.name + "/" + path.name
        expected = hashlib.sha256(path.read_bytes()).hexdigest()
        if mode == "non-holder":
            has_it = holders(live[0], key)
            if not has_it:
                return f"{key}: nobody holds it", 0
            nodes = [node for node in live if node["name"] not in has_it][:1]
            if not nodes:
                return f"{key}: every node holds it", 0
        elif mode == "every":
            nodes = live
        else:
            nodes = [live[number % len(live)]]
        for node in nodes:
            problem = read_and_compare(node, key, expected)
            if problem:
                return problem, 0
        return None, len(nodes)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(one, enumerate(files)))
    problems = [problem for problem, _ in results if problem]
    if problems:
        die("\n      ".join([f"{len(problems)} of {len(files)} reads failed"] + problems[:5]))
    note(f"{sum(count for _, count in results)} reads of {len(files)} files, every SHA-256 as it was; "
         f"{time.monotonic() - started:.1f} s")


def fail_over(cluster):
    before = get_json(cluster.live()[0], "/cluster")
    old = before["coordinator"]
    note(f"{old} coordinates epoch {before['epoch']['counter']}; kill -9 {cluster.named(old)['pid']}")
    cluster.kill(old)
    killed_at = time.monotonic()
    live = cluster.live()
    attempts = 0

    def put():
        nonlocal attempts
        attempts += 1
        status, _, _ = request(live[attempts % len(live)], "PUT", target_of("demo/after-failover"), body=f"attempt {attempts}", timeout=2)
        return True if status in (200, 201) else None

    if not until(30, put):
        die("no PUT was acknowledged within 30 s of the coordinator's end")
    took = time.monotonic() - killed_at

    def new_coordinator():
        now = get_json(live[0], "/cluster")
        return now if now["coordinator"] not in (None, old) else None

    now = until(10, new_coordinator)
    if not now:
        die("there is no new coordinator")
    note(f"next acknowledged PUT after {took * 1000:.0f} ms ({attempts} attempts); {now['coordinator']} took over, "
         f"epoch {now['epoch']['counter']}")


def kill_majority(cluster):
    majority = len(cluster.nodes) // 2 + 1
    for node in cluster.live():
        if len(cluster.nodes) - len(cluster.live()) >= majority:
            break
        # n1 stays, so that there is somebody to ask.
        if node["name"] != cluster.live()[0]["name"]:
            note(f"kill -9 {node['pid']}  ({node['name']})")
            cluster.kill(node["name"])


def show_refusal(cluster, key):
    killed_at = time.monotonic()
    for node in cluster.live():
        refused = until(10, lambda: (answer := request(node, "GET", target_of(key)))[0] == 503 and answer or None)
        if not refused:
            die(f"{node['name']} still serves without a majority")
        status, fields, body = refused
        note(f"{node['name']}: {status}, Retry-After: {fields.get('Retry-After')}, {fields.get('Content-Type')}, "
             f"{(time.monotonic() - killed_at) * 1000:.0f} ms after we began to ask")
        note("  " + body.decode(errors="replace").strip())


def wait_ready(cluster):
    cluster.killed = []
    cluster.save()
    started = time.monotonic()
    for node in cluster.nodes:
        if not until(60, lambda: request(node, "GET", "/readyz", timeout=2)[0] == 200 or None):
            die(f"{node['name']} did not serve again within 60 s: {node['log']}")
    note(f"all {len(cluster.nodes)} serve again after {time.monotonic() - started:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("url").add_argument("name")
    reads = commands.add_parser("read")
    reads.add_argument("media")
    reads.add_argument("--from", dest="mode", choices=["non-holder", "any", "every"], required=True)
    for name in ("fail-over", "kill-majority", "killed", "wait-ready"):
        commands.add_parser(name)
    commands.add_parser("show-refusal").add_argument("key")
    arguments = parser.parse_args()

    cluster = Cluster(arguments.dev)
    if arguments.command == "url":
        print("http://" + cluster.named(arguments.name)["client"])
    elif arguments.command == "read":
        read(cluster, arguments.media, arguments.mode)
    elif arguments.command == "fail-over":
        fail_over(cluster)
    elif arguments.command == "kill-majority":
        kill_majority(cluster)
    elif arguments.command == "killed":
        print("\n".join(cluster.killed))
    elif arguments.command == "show-refusal":
        show_refusal(cluster, arguments.key)
    elif arguments.command == "wait-ready":
        wait_ready(cluster)


if __name__ == "__main__":
    main()
