#!/usr/bin/env python3
"""GETs of hot objects: one node against nginx with sendfile, the same bytes, the same core.

    bench/get.py [--rounds N] [--seconds N]     needs build/release, wrk, and nginx for the comparison

Server and load have a core each; rounds alternate; figures are medians. Processor time is what the server's process used. The share of
verification is the time of the checksum of as many bytes (bench_checksum) in the processor time of a GET.
Source: design section 8.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.setdefault("BRIGADE", str(ROOT / "build" / "release" / "brigade"))).parent
sys.path.insert(0, str(ROOT / "tests" / "cluster_real"))
from harness import Cluster, content, free_ports, wait_for  # noqa: E402

SIZES = {4096: "4 KiB", 65_536: "64 KiB", 1_048_576: "1 MiB"}
CONNECTIONS = (16, 64)
SERVER_CORE, LOAD_CORE = "0", "1"
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush {nopush}; tcp_nodelay on; keepalive_requests 1000000000;
  default_type image/jpeg;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


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
    return total / os.sysconf("SC_CLK_TCK")


class Brigade:
    name = "brigade"

    def __init__(self, folder):
        os.makedirs(folder)
        place = lambda number: ("127.0.0.1", ("taskset", "-c", SERVER_CORE))  # noqa: E731
        self.cluster = Cluster(folder, place, ("redundancy=1", "min_redundancy=1", "write_copies=1"))
        self.cluster.start(1)
        node = self.cluster.nodes[0]
        for size in SIZES:
            assert node.request("PUT", f"/o/{size}", content(str(size), size)).status == 201
        self.url, self.pid = f"{node.url}/o", node.process.pid

    def close(self):
        self.cluster.close()


class Nginx:
    name = "nginx"

    def __init__(self, folder):
        os.makedirs(f"{folder}/www")
        for size in SIZES:
            pathlib.Path(f"{folder}/www/{size}").write_bytes(content(str(size), size))
        for path in (folder, os.path.dirname(folder)):
            os.chmod(path, 0o755)  # its worker is nobody
        port = free_ports(1)[0]
        pathlib.Path(f"{folder}/conf").write_text(NGINX.format(folder=folder, port=port, nopush="off"))
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, "nginx", "-c", f"{folder}/conf"])
        self.url, self.pid = f"http://127.0.0.1:{port}", self.process.pid
        wait_for("nginx", 10, lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", f"{self.url}/4096"]).returncode == 0)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def load(server, size, connections, seconds):
    """Requests a second, p99 in ms, processor time in us for each."""
    used, began = processor_seconds(server.pid), time.monotonic()
    done = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                           f"{server.url}/{size}"], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    used, took = processor_seconds(server.pid) - used, time.monotonic() - began
    rate = float(re.search(r"Requests/sec: +([0-9.]+)", done.stdout)[1])
    number, unit = re.search(r"99% +([0-9.]+)(us|ms|s)", done.stdout).groups()
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], used / (rate * took) * 1e6


def checksum_us():
    out = subprocess.run(["taskset", "-c", SERVER_CORE, str(BUILD / "bench" / "bench_checksum"),
                          "--benchmark_format=json"], capture_output=True, text=True, check=True).stdout
    return {int(each["name"].split("/")[1]): each["cpu_time"] / 1000 for each in json.loads(out)["benchmarks"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    verifying = checksum_us()
    folder = tempfile.mkdtemp(prefix="brigade-bench-")
    servers = []
    try:
        servers.append(Brigade(f"{folder}/brigade"))
        if shutil.which("nginx"):
            servers.append(Nginx(f"{folder}/nginx"))
        else:
            print("nginx is not here (apt-get install nginx-light): no comparison", file=sys.stderr)
        print("| GET, connections | a second | nginx | ratio | p99 ms | nginx | processor us | nginx | of it verifying |")
        print("|---|---|---|---|---|---|---|---|---|")
        for size, label in SIZES.items():
            for connections in CONNECTIONS:
                runs = {server.name: [] for server in servers}
                for _ in range(options.rounds):
                    for server in servers:
                        runs[server.name].append(load(server, size, connections, options.seconds))
                rate, p99, used = zip(*([statistics.median(column) for column in zip(*found)] for found in runs.values()))
                columns = [f"{label}, {connections}", f"{rate[0]:.0f}"]
                other = len(servers) > 1
                columns += [f"{rate[1]:.0f}" if other else "", f"{rate[0] / rate[1]:.2f}" if other else "", f"{p99[0]:.2f}",
                            f"{p99[1]:.2f}" if other else "", f"{used[0]:.1f}", f"{used[1]:.1f}" if other else "",
                            f"{100 * verifying[size] / used[0]:.0f} %"]
                print("| " + " | ".join(columns) + " |", flush=True)
    finally:
        for server in servers:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
