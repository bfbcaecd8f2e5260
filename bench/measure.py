"""What the benchmarks share: a core for each side, wrk, runs that alternate, tables, goals.

Concept: servers are on the first core that this process may use, the load is on the last. A run gives a Sample. alternate() lets subjects
         take turns, and does a run again during which the host took processor time away (steal in /proc/stat). A Report prints
         tables, keeps what was reached of the goals, and says at the end how much of the processors others used meanwhile.
Needs:   build/release (or BRIGADE: the program), wrk.
Source:  design section 8.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.setdefault("BRIGADE", str(ROOT / "build" / "release" / "brigade"))).parent
sys.path.insert(0, str(ROOT / "tests" / "cluster_real"))
from harness import PATIENT, Cluster, free_ports, wait_for  # noqa: E402

CORES = sorted(os.sched_getaffinity(0))
SERVER, LOAD = ("taskset", "-c", str(CORES[0])), ("taskset", "-c", str(CORES[-1]))
TICK = os.sysconf("SC_CLK_TCK")
SIZES = {4096: "4 KiB", 65_536: "64 KiB", 1_048_576: "1 MiB"}
ONE_COPY = ("redundancy=1", "min_redundancy=1", "write_copies=1", *PATIENT)
LIVE = 128 << 20  # bytes of objects that PUTs replace over and over: a store in balance
STEAL_MAX = 0.01  # share of one core
AGAIN_MAX = 5


# --- what the machine says


def processor_seconds(pid):
    """Of the process and its children."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def machine_seconds():
    """Of all cores: used by processes, and taken away by the host."""
    user, nice, system, _, _, irq, soft, steal = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + irq + soft) / TICK, steal / TICK


def own_seconds():
    """Of this process and all that it started and has waited for."""
    kinds = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in kinds)


# --- servers


@contextlib.contextmanager
def folder(under=None):
    """A temporary one; `under` a folder on the disk in question."""
    path = tempfile.mkdtemp(prefix="brigade-bench-", dir=under)
    os.chmod(path, 0o755)  # nginx's worker is nobody
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def cluster(path, count, settings=ONE_COPY, place=lambda number: ("127.0.0.1", SERVER)):
    """`count` nodes, all on the servers' core unless `place` says otherwise; settled."""
    os.makedirs(path)
    nodes = Cluster(path, place, settings)
    try:
        nodes.start(count)
        yield nodes
    finally:
        nodes.close()


NGINX = """
worker_processes 1; daemon off; pid {path}/pid; error_log {path}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_requests 1000000000;
  default_type image/jpeg; client_max_body_size 0; client_body_buffer_size 64k;
  client_body_temp_path {path}/t1; proxy_temp_path {path}/t2; fastcgi_temp_path {path}/t3;
  uwsgi_temp_path {path}/t4; scgi_temp_path {path}/t5;
  server {{ listen 127.0.0.1:{port}; root {path}/www; dav_methods PUT; create_full_put_path on; }}
}}
"""


@contextlib.contextmanager
def nginx(path, files):
    """Serves `files` ({name: bytes}) with sendfile and takes PUTs (not durable). Gives its URL and pid; None, None without nginx."""
    if not shutil.which("nginx"):
        print("nginx is not here (apt-get install nginx-light): no comparison with it", file=sys.stderr)
        yield None, None
        return
    os.makedirs(f"{path}/www")
    os.chmod(f"{path}/www", 0o777)  # its worker is nobody
    for name, data in files.items():
        pathlib.Path(f"{path}/www/{name}").write_bytes(data)
    port = free_ports(1)[0]
    pathlib.Path(f"{path}/conf").write_text(NGINX.format(path=path, port=port))
    process = subprocess.Popen([*SERVER, "nginx", "-c", f"{path}/conf"])
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for("nginx", 10, lambda: subprocess.run(["curl", "-s", "-o", "/dev/null", url]).returncode == 0)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


# --- load


@dataclass
class Sample:
    rate: float  # requests a second
    p50: float = 0  # ms
    p99: float = 0  # ms
    used: float = 0  # processor time of the servers for a request, us
    first: float = 0  # ... of the first of them alone
    load: float = 0  # share of its core that the load took

    def __getitem__(self, name):
        return getattr(self, name)


PUT_LUA = """
local threads, made = 0, 0
local hosts = {{ {hosts} }}
function setup(thread)
  if #hosts > 0 then thread.addr = wrk.lookup(hosts[threads % #hosts + 1][1], hosts[threads % #hosts + 1][2])[1] end
  threads = threads + 1
  thread:set("writer", threads)
end
function init()
  local fields = "\\r\\nHost: bench\\r\\nContent-Length: {size}\\r\\n{fields}\\r\\n"
  rest = " HTTP/1.1" .. fields .. string.rep("x", {size})
end
function request()
  made = made + 1
  return "PUT {prefix}" .. writer .. "/" .. made % {keys} .. rest
end
"""


def put_script(path, size, prefix="/o/put/", field="", nodes=(), keys=None):
    """A script for wrk, which PUTs as many keys as make LIVE bytes over and over, or `keys`; with `nodes`, each of as many threads at another.
    `field` is a header field."""
    hosts = ", ".join(f'{{ "{node.host}", {node.client} }}' for node in nodes)
    fields = f"{field}\\r\\n" if field else ""
    keys = keys or LIVE // size // max(1, len(nodes))
    pathlib.Path(path).write_text(PUT_LUA.format(size=size, keys=keys, prefix=prefix, fields=fields, hosts=hosts))
    return path


def wrk(url, connections, seconds, servers, script=None, threads=1):
    """Loads `url` and gives a Sample; `servers` are pids. What is answered otherwise than 2xx fails."""
    command = [*LOAD, "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    before, began, own = [processor_seconds(pid) for pid in servers], time.monotonic(), own_seconds()
    done = subprocess.run([*command, *(["-s", script] if script else []), url], capture_output=True, text=True)
    used, took = [processor_seconds(pid) - then for pid, then in zip(servers, before)], time.monotonic() - began
    fine = done.returncode == 0 and "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout
    assert fine, f"{url}: {done.stdout}{done.stderr}"
    rate = float(re.search(r"Requests/sec: +([0-9.]+)", done.stdout)[1])
    units = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}
    p50, p99 = (float(number) * units[unit] for number, unit in
                re.findall(r"^ +(?:50|99)% +([0-9.]+)(us|ms|s|m) *$", done.stdout, re.MULTILINE))
    each = 1e6 / (rate * took)
    return Sample(rate, p50, p99, sum(used) * each, used[0] * each if used else 0, (own_seconds() - own) / took)


# --- runs


def warm_up(url, connections, size, script, threads=1):
    """PUTs until all that the script replaces was there before, twice; 20 seconds at most."""
    goal, done, end = 2 * LIVE // size, 0.0, time.monotonic() + 20
    while done < goal and time.monotonic() < end:
        done += wrk(url, connections, 2, [], script, threads).rate * 2


dropped = 0


def undisturbed(run):
    """The run's Sample; done again, at most so often, while the host takes processor time away from it."""
    global dropped
    for _ in range(AGAIN_MAX):
        began, stolen = time.monotonic(), machine_seconds()[1]
        found = run()
        if machine_seconds()[1] - stolen <= STEAL_MAX * (time.monotonic() - began):
            break
        dropped += 1
    return found


def alternate(rounds, subjects):
    """{name: run} -> {name: [Sample]}: in every round each runs once."""
    samples = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, run in subjects.items():
            samples[name].append(undisturbed(run))
    return samples


def median(samples, field="rate"):
    return statistics.median(each[field] for each in samples)


class Ratio:
    """Of neighbours in time: the median, with the least and the most."""

    def __init__(self, ours, others, field="rate"):
        every = [a[field] / b[field] for a, b in zip(ours, others)]
        self.median, self.least, self.most = statistics.median(every), min(every), max(every)

    def __str__(self):
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


# --- what is told


def options(text, rounds=5, seconds=3, more=lambda parser: None):
    """The command line: `text` is the script's own; a quick form has 3 rounds of a second."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: for a first look")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--json", metavar="FILE", help="writes tables and goals there, too")
    parser.add_argument("--chart", metavar="FILE", help="draws an SVG")
    more(parser)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # so that servers and folders go, too
    given.rounds = given.rounds or (3 if given.quick else rounds)
    given.seconds = given.seconds or (1 if given.quick else seconds)
    return given


class Report:
    """Tables in Markdown on stdout, as their lines become known; goals below them; all of it as JSON where wanted."""

    def __init__(self, given):
        self.given, self.tables, self.goals = given, [], []
        self.began, self.machine, self.own = time.monotonic(), machine_seconds(), own_seconds()

    def table(self, *columns):
        self.tables.append({"columns": columns, "rows": []})
        start = "\n" if len(self.tables) > 1 else ""
        print(f"{start}| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def row(self, *cells):
        self.tables[-1]["rows"].append([str(cell) for cell in cells])
        print(f"| {' | '.join(map(str, cells))} |", flush=True)

    def goal(self, what, against, goal, reached, met):
        self.goals.append({"what": what, "against": against, "goal": goal, "reached": str(reached), "met": bool(met)})

    def end(self):
        """Call it when all servers have ended."""
        if self.goals:
            print("\n| goal of | against | goal | reached | |\n|---|---|---|---|---|")
        for each in self.goals:
            print(f"| {each['what']} | {each['against']} | {each['goal']} | {each['reached']} | {'yes' if each['met'] else 'NO'} |")
        whole = (time.monotonic() - self.began) * os.cpu_count()
        used, stolen = (now - before for now, before in zip(machine_seconds(), self.machine))
        others = max(0.0, used - (own_seconds() - self.own))
        noise = f"others used {100 * others / whole:.0f} % of the cores, the host took {100 * stolen / whole:.1f} %, {dropped} runs done again"
        print(f"\n{noise}", flush=True)
        if self.given.json:
            told = {"tables": self.tables, "goals": self.goals, "noise": noise}
            pathlib.Path(self.given.json).write_text(json.dumps(told, indent=1) + "\n")
