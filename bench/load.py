"""Runs bench_load, the client for objects of any sizes, and its reference bench_disk_reads (bench/load.cc, bench/disk_reads.cc).

Concept: a Load knows how many objects it has stored on its nodes; it reads the first of them, and each PUT stores a new one.
"""
import json
import subprocess
from dataclasses import dataclass

import measure
from measure import BUILD, LOAD, SERVER


@dataclass
class Sample(measure.Sample):
    p99_9: float = 0  # ms


class Load:
    """`nodes` take the connections in turn; `size` 0: sizes of the archive of 2005."""

    def __init__(self, nodes, size=0, connections=16):
        self.pids, self.stored, self.there = [node.process.pid for node in nodes], 0, 0
        self.command = [*LOAD, BUILD / "bench" / "bench_load", "--connections", connections, "--size", size]
        for node in nodes:
            self.command += ["--node", f"{node.host}:{node.client}"]

    def fill(self, count):
        """Stores `count` objects more, which are read from now on; gives the PUTs."""
        puts = self.mixed(1, requests=count)[1]
        self.there = self.stored
        return puts

    def get(self, seconds):
        return self.mixed(0, seconds=seconds)[0]

    def put(self, seconds):
        return self.mixed(1, seconds=seconds)[1]

    def mixed(self, put_share, **until):
        """GETs and PUTs; `until` is requests or seconds. Processor time is that of all nodes, for a request of either kind."""
        used = sum(map(measure.processor_seconds, self.pids))
        found = run(self.command, put_share=put_share, objects=self.there, first_new=self.stored, **until)
        used = sum(map(measure.processor_seconds, self.pids)) - used
        self.stored = found["next_new"]
        each = used / (found["get"]["count"] + found["put"]["count"]) * 1e6
        return tuple(sample(found[kind], each, found["client_processor_seconds"] / found["seconds"]) for kind in ("get", "put"))


def disk_reads(folder, seconds, threads=16):
    """As large as the objects of the archive, at random places of the files in `folder`."""
    return sample(run([*SERVER, BUILD / "bench" / "bench_disk_reads", folder], threads=threads, seconds=seconds))


def sample(found, used=0, load=0):
    return Sample(found["a_second"], p50=found["p50_ms"], p99=found["p99_ms"], p99_9=found["p99_9_ms"], used=used, load=load)


def run(command, **values):
    words = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
    done = subprocess.run([str(word) for word in [*command, *words]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
