"""Clusters of real processes on this machine, for tests.

Concept: each node is one `brigade serve`, made by `brigade bootstrap` in a temporary directory, on free ports of
         127.0.0.1. Contents follow from (seed, key), so that any answer can be checked without a stored copy.
         Waiting is polling against a deadline, never a fixed pause.
Thread:  nodes are started and stopped by the main thread (they die with it); requests may come from any thread.
"""
import hashlib
import http.client
import json
import math
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BRIGADE = os.environ.get("BRIGADE", "brigade")
SEED = os.environ.get("BRIGADE_SEED", "1")
READY_SECONDS = 60
SETTLE_SECONDS = 180
# For tests that load the machine and mean something else than failures: no node stops for want of its share of a core.
PATIENT = ("failure_timeout=3s", "lease=2s")


def content(key, size):
    return hashlib.shake_128(f"{SEED}:{key}".encode()).digest(size)


def figure(name, value):
    print(f"figure: {name}={value}", flush=True)


def percentile(values, share):
    """By nearest rank: the least value that at least `share` percent do not exceed."""
    return sorted(values)[max(math.ceil(share / 100 * len(values)), 1) - 1]


def wait_for(what, seconds, check):
    """Polls until check() is truthy, and returns that; fails with what it was that did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_ports(count):
    """Below the range that the kernel gives to outgoing connections: a port stays free while its node is down."""
    ports, held = [], []
    try:
        for _ in range(1000):
            port = random.SystemRandom().randrange(12000, 32000)
            tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
            held += [tcp, udp]
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
            if len(ports) == count:
                return ports
    finally:
        for each in held:
            each.close()
    raise AssertionError("no free ports on 127.0.0.1")


def run_cli(*arguments):
    return subprocess.run([BRIGADE, *arguments], capture_output=True, text=True, timeout=60)


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    def problem(self):
        """The last part of the problem type, such as "no-quorum"; empty if there is none."""
        if self.headers.get_content_type() != "application/problem+json":
            return ""
        return json.loads(self.body)["type"].rsplit(":", 1)[-1]

    def __repr__(self):
        return f"{self.status} {self.body[:300] if self.status >= 400 else len(self.body)}"


class Node:
    """`host` is where it listens; `prefix` is put before its command line, to run it somewhere else; `transport` is for
    bootstrap."""

    def __init__(self, root, name, host="127.0.0.1", prefix=(), transport=("--transport", "unicast")):
        self.name, self.dir, self.log = name, f"{root}/{name}", f"{root}/{name}.log"
        self.host, self.prefix, self.transport = host, prefix, transport
        self.client, self.peer = free_ports(2)
        self.url = f"http://{host}:{self.client}"
        self.process, self.disks, self.program = None, [], BRIGADE

    def add_disk(self):
        """An empty directory for the next bootstrap."""
        self.disks.append(f"{self.dir}-disk{len(self.disks) + 1}")
        os.mkdir(self.disks[-1])

    def bootstrap(self, *arguments):
        disks = [word for disk in self.disks for word in ("--data", disk)]
        return run_cli("bootstrap", "--data", self.dir, *disks, "--name", self.name, *self.transport,
                       "--listen-client", f"{self.host}:{self.client}", "--listen-peer", f"{self.host}:{self.peer}",
                       *arguments)

    def configure(self, key, value):
        """Changes a line of brigade.toml."""
        path = f"{self.dir}/brigade.toml"
        with open(path) as file:
            lines = [f"{key} = {value}\n" if line.startswith(f"{key} =") else line for line in file]
        with open(path, "w") as file:
            file.writelines(lines)

    def start(self, *arguments):
        with open(self.log, "ab") as log:
            # A test that is killed for its time takes its nodes along.
            command = [*self.prefix, "setpriv", "--pdeathsig", "KILL", self.program, "serve", "--data", self.dir, *arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self):
        """SIGTERM. Returns the exit code; negative if it died by a signal."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within 30 s of SIGTERM")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def request(self, method, path, body=None, headers=None, timeout=20):
        """One request. Raises OSError or HTTPException if no whole answer came."""
        connection = http.client.HTTPConnection(self.host, self.client, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def patient(self, method, path, body=None, headers=None, seconds=30):
        """Asks again, bounded in time, while nobody answers or the answer is 503."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer, trouble = self.request(method, path, body, headers), None
                if answer.status != 503:
                    return answer
                assert answer.headers["Retry-After"], "503 without Retry-After"
            except (OSError, http.client.HTTPException) as error:
                answer, trouble = None, error
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} at {self.name}: still {answer or trouble!r} after {seconds} s")
            time.sleep(0.1)

    def is_ready(self):
        try:
            return self.request("GET", "/readyz", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def cluster(self):
        """What it says at /cluster; empty if it says nothing."""
        try:
            answer = self.request("GET", "/cluster", timeout=5)
            return json.loads(answer.body) if answer.status == 200 else {}
        except (OSError, http.client.HTTPException):
            return {}

    def locate(self, key):
        answer = self.request("GET", f"/cluster/locate/{key}")
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def wait_ready(self):
        wait_for(f"{self.name} ready", READY_SECONDS, lambda: self.is_ready() or self.check_running())

    def check_running(self):
        assert self.is_running(), f"{self.name} ended with {self.process.poll()}"


class Cluster:
    """`place(number)` gives the host, the prefix and, if need be, the transport; `settings` are NAME=VALUE; `disks`: how many further disks each node has;
    `config`: what brigade.toml gets in place of defaults."""

    def __init__(self, root, place, settings, disks=0, config=None):
        self.root, self.place, self.nodes, self.token, self.disks = root, place, [], "", disks
        self.config = config or {}
        self.settings = [word for setting in settings for word in ("--set", setting)]

    def start(self, count):
        for _ in range(count):
            self.grow()
        self.wait_settled()

    def grow(self, *arguments):
        """Bootstraps, with these arguments, and starts one more node; returns it once it is ready."""
        taken = {node.name for node in self.nodes}
        number = next(number for number in range(1, len(self.nodes) + 2) if f"n{number}" not in taken)
        node = Node(self.root, f"n{number}", *self.place(number))
        for _ in range(self.disks):
            node.add_disk()
        first = next(iter(self.live()), None)
        if first:
            first.wait_ready()
        join = ["--join", first.url, "--token", self.token] if first else self.settings
        made = node.bootstrap(*join, *arguments)
        assert made.returncode == 0, f"bootstrap of {node.name}: {made.returncode}\n{made.stderr}"
        self.token = self.token or made.stdout.splitlines()[-1]
        self.nodes.append(node)
        for key, value in self.config.items():
            node.configure(key, value)
        node.start()
        node.wait_ready()
        return node

    def live(self):
        return [node for node in self.nodes if node.is_running()]

    def coordinator(self, among=None):
        """The node that every one of `among` names; None while they differ or name none."""
        named = {node.cluster().get("coordinator") for node in among or self.live()}
        return next((node for node in self.nodes if named == {node.name}), None)

    def is_settled(self):
        for node in self.nodes:
            view = node.cluster()
            if view.get("state") != "serving" or sum(each["up"] for each in view["roster"]) != len(self.nodes):
                return False
            if any(count for state, count in view["buckets"].items() if state != "serving"):
                return False
            # Between two steps of a move nothing is moving either: the shares say when it is over.
            if any(abs(each["buckets"] - 65536 / len(self.nodes)) > 1 for each in view["roster"]):
                return False
        return True

    def wait_settled(self):
        wait_for("all nodes up with equal shares, and all buckets serving", SETTLE_SECONDS, self.is_settled)

    def wait_ready(self):
        for node in self.nodes:
            node.wait_ready()

    def kill(self, nodes):
        """SIGKILL to all before the first is waited for; returns when that was."""
        for node in nodes:
            node.process.kill()
        killed = time.monotonic()
        for node in nodes:
            node.process.wait()
        return killed

    def close(self):
        self.kill([node for node in self.nodes if node.process])


class Load:
    """Writers that PUT new objects of mixed sizes, each at its own turn of nodes, until stopped.
    Invariant: `acknowledged` holds exactly the keys whose PUT was answered with 200 or 201."""

    def __init__(self, cluster, writers=4, prefix="load"):
        self.nodes, self.prefix = list(cluster.nodes), prefix
        self.acknowledged, self.spans, self.surprises = {}, [], []
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(writers)]
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        sizes = random.Random(f"{SEED}:{writer}")
        for count in range(1_000_000):
            key = f"{self.prefix}/{writer}/{count}"
            size = sizes.choice([0, 1, 700, 4096, 20_000, 65_536])
            node = self.nodes[(writer + count) % len(self.nodes)]
            began = time.monotonic()
            try:
                status = node.request("PUT", f"/o/{key}", content(key, size), timeout=10).status
            except (OSError, http.client.HTTPException):
                status = 0  # the outcome is open
            with self.lock:
                if status in (200, 201):
                    self.acknowledged[key] = size
                    self.spans.append((began, time.monotonic()))
                elif status not in (0, 503):
                    self.surprises.append((key, node.name, status))
            if self.over.wait(0.04):
                return

    def first_after(self, moment):
        """The PUT that was acknowledged first among those that began after `moment`, as seconds from it; or None."""
        with self.lock:
            return min((end - moment for began, end in self.spans if began >= moment), default=None)

    def longest_gap(self, moment):
        """The longest time without an acknowledgement since `moment`, in seconds."""
        with self.lock:
            ends = sorted(end for _, end in self.spans if end > moment)
        return max(b - a for a, b in zip([moment, *ends], [*ends, time.monotonic()]))

    def wait_for_more(self, count):
        goal = len(self.acknowledged) + count
        wait_for(f"{count} more acknowledged PUTs", 60, lambda: len(self.acknowledged) >= goal)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.surprises, f"PUTs answered otherwise than 200, 201, 503: {self.surprises[:5]}"
        return self.acknowledged


def check_all(nodes, objects):
    """Every object exact through every node; one reader per node."""
    wrong = []

    def read(node):
        for key, size in list(objects.items()):
            try:
                answer = node.patient("GET", f"/o/{key}")
                if answer.status != 200 or answer.body != content(key, size):
                    wrong.append(f"{key} of {size} bytes at {node.name}: {answer!r}")
            except AssertionError as error:
                wrong.append(str(error))
            if len(wrong) > 20:
                return

    readers = [threading.Thread(target=read, args=(node,)) for node in nodes]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not wrong, "\n".join(["missing or wrong:", *wrong])


class ClusterTest(unittest.TestCase):
    """Gives a temporary directory; ends every process; prints the nodes' logs if the test failed."""

    def run(self, result=None):
        bad = len(result.errors) + len(result.failures)
        self.root = tempfile.mkdtemp(prefix="brigade-test-")
        try:
            return super().run(result)
        finally:
            if len(result.errors) + len(result.failures) > bad:
                for name in sorted(name for name in os.listdir(self.root) if name.endswith(".log")):
                    with open(f"{self.root}/{name}", errors="replace") as log:
                        print(f"--- {name}, the end of it", *log.readlines()[-60:], sep="\n", flush=True)
            shutil.rmtree(self.root, ignore_errors=True)

    def make_cluster(self, count, place=lambda number: ("127.0.0.1", ()), settings=(), disks=0, config=None):
        cluster = Cluster(self.root, place, settings, disks, config)
        self.addCleanup(cluster.close)
        cluster.start(count)
        return cluster

    def start_load(self, cluster, **options):
        load = Load(cluster, **options)
        self.addCleanup(load.over.set)
        return load
