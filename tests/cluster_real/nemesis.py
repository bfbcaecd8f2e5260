"""A cluster of five under all kinds of faults, with clients on a few keys, and a judge of what they were told.

Concept: clients put unique, self-describing objects under few keys, delete and read them, through all nodes; after a
         while they turn to other keys, and only read those before. Faults come one after the other; watchers collect
         each node's log. Then all is healed, the cluster must settle, prove that every object has its copies, and answer
         alike at every node; and the whole history must be in order.
Source:  testing "Judge of durable writes"; Kingsbury's Jepsen for the idea.
"""
import http.client
import json
import os
import random
import shutil
import sys
import threading
import time

from faults import Faults, stamp
from harness import content, figure, run_cli, wait_for
from history import ABSENT, DELETE, DONE, GET, NOTHING, OPEN, PUT, History

KEYS = 24  # of a generation
GENERATION_SECONDS = 60
CLIENTS = 10
SIZES = (1, 100, 700, 4096, 20_000, 65_536)
LARGE = 1_300_000  # has a file of its own
HEAL_SECONDS = 60
NOTHING_HAPPENED = ("no-quorum", "unavailable", "overloaded", "no-space")  # after these, says the README


def body_of(key, value):
    size = LARGE if value % 61 == 0 else SIZES[value % len(SIZES)]
    return f"{key} {value}\n".encode() + content(f"{key}#{value}", size)


def key_of(generation, number):
    return f"nemesis/{generation}/{number}"


def value_of(key, body):
    """Which PUT's body this is. Raises AssertionError if it is none's, or not whole."""
    head = body.partition(b"\n")[0].decode(errors="replace").split(" ")
    assert len(head) == 2 and head[0] == key and head[1].isdigit(), f"{key}: {len(body)} bytes that nobody sent"
    assert body == body_of(key, int(head[1])), f"{key} {head[1]}: {len(body)} bytes, some of them wrong"
    return int(head[1])


class Nemesis:
    def __init__(self, test, cluster, network, small, seed):
        self.cluster, self.network, self.seed = cluster, network, seed
        self.history, self.began = History(), time.monotonic()
        self.wrong, self.story, self.entries = [], [], {}
        self.lock, self.over, self.calm = threading.Lock(), threading.Event(), threading.Event()
        self.values = iter(range(1, 1 << 30))
        self.faults = Faults(test, cluster, network, small, random.Random(f"{seed}:faults"), self.tell, self.over)

    def tell(self, what):
        self.story.append(f"{stamp(self.began)} {what}")
        print(self.story[-1], flush=True)

    def complain(self, what):
        with self.lock:
            self.wrong.append(what)

    # Clients

    def client(self, number):
        draw = random.Random(f"{self.seed}:{number}")
        while not self.over.is_set():
            generation = self.generation()
            kind = draw.choices((PUT, DELETE, GET), (4, 1, 6))[0]
            if kind == GET and draw.random() < 0.2:
                generation = draw.randint(0, generation)
            key, node = key_of(generation, draw.randrange(KEYS)), draw.choice(self.cluster.nodes)
            try:
                self.ask(kind, key, node)
            except AssertionError as error:
                self.complain(f"{stamp(self.began)} at {node.name}: {error}")
            self.over.wait(draw.uniform(0, 0.03))

    def generation(self):
        return int((time.monotonic() - self.began) / GENERATION_SECONDS)

    def keys(self):
        return sorted({operation.key for operation in self.history.operations})

    def ask(self, kind, key, node, timeout=15):
        """One request; true if it was answered with yes or no."""
        with self.lock:
            value = next(self.values) if kind == PUT else None
        began = time.monotonic()
        try:
            answer = node.request(kind, f"/o/{key}", body_of(key, value) if kind == PUT else None, timeout=timeout)
        except ConnectionRefusedError:
            return False
        except (OSError, http.client.HTTPException):
            if kind != GET:
                self.add(kind, key, value, began, OPEN, node)
            return False
        status = answer.status
        if kind == GET and status == 200:
            self.add(GET, key, value_of(key, answer.body), began, DONE, node, answer)
        elif kind != PUT and status == 404:
            self.add(GET, key, ABSENT, began, DONE, node)
        elif status in {PUT: (200, 201), DELETE: (204,), GET: ()}[kind]:
            self.add(kind, key, value, began, DONE, node, answer)
        else:
            refused = answer.problem() in NOTHING_HAPPENED
            # A disk that fails in the middle of a write leaves it open.
            allowed = status == 503 or (kind == PUT and status == 507 and refused) or (kind != GET and status == 500)
            assert allowed, f"{kind} {key}: {answer!r}"
            if kind != GET:
                self.add(kind, key, value, began, NOTHING if refused else OPEN, node)
            return False
        return True

    def add(self, kind, key, value, began, outcome, node, answer=None):
        revision = answer.headers.get("Brigade-Revision", "") if answer else ""
        self.history.add(kind, key, value, began - self.began, time.monotonic() - self.began, outcome, node.name,
                         revision)

    # The log: what one node has committed, no other may contradict

    def watch(self):
        while not self.over.wait(1):
            self.compare_logs()

    def compare_logs(self):
        for node in self.cluster.nodes:
            try:
                answer = node.request("GET", "/cluster/log", timeout=3)
                found = json.loads(answer.body)["entries"] if answer.status == 200 else []
            except (OSError, http.client.HTTPException, ValueError):
                continue
            for entry in found:
                first, where = self.entries.setdefault(entry["seq"], (entry, node.name))
                if first["digest"] != entry["digest"]:
                    self.complain(f"seq {entry['seq']}: {where} says {first}, {node.name} says {entry}")

    # The run

    def run(self, seconds):
        threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        threads.append(threading.Thread(target=self.watch))
        for thread in threads:
            thread.start()
        try:
            end = self.began + seconds
            while time.monotonic() < end and not self.wrong:
                self.faults.rest(0.5, 4)
                self.faults.befall()
            self.tell("all is healed")
            self.faults.heal()
            healed = time.monotonic()
            self.wait_until_whole()
            figure("nemesis_healed_s", round(time.monotonic() - healed, 1))
        except AssertionError as error:
            self.complain(str(error))
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        self.last_look()
        self.report()

    def wait_until_whole(self):
        try:
            wait_for("all nodes up with equal shares, and all buckets serving", HEAL_SECONDS, self.cluster.is_settled)
        except AssertionError as error:
            views = [node.cluster() for node in self.cluster.nodes]
            shown = [json.dumps({name: view.get(name) for name in ("node", "state", "seq", "buckets", "fill", "roster")})
                     for view in views]
            raise AssertionError("\n".join([str(error), *shown])) from error

        def is_proved():
            done = run_cli("verify", "--json", "--node", self.cluster.nodes[0].url)
            return done.returncode == 0
        wait_for("the proof that every object has its copies", HEAL_SECONDS, is_proved)

    def last_look(self):
        """Nobody writes any more: all nodes say the same."""
        down = [node.name for node in self.cluster.nodes if not node.is_running()]
        if down:
            self.complain(f"not running: {' '.join(down)}")
            return
        for key in self.keys():
            before = len(self.history.operations)
            for node in self.cluster.nodes:
                try:
                    wait_for(f"{node.name} answers for {key}", 30, lambda n=node, k=key: self.ask(GET, k, n))
                except AssertionError as error:
                    self.complain(str(error))
            answers = self.history.operations[before:]
            if len({each.value for each in answers}) > 1:
                self.complain(f"{key}: the nodes differ: {answers}")
        self.compare_logs()

    def report(self):
        counts = {}
        for operation in self.history.operations:
            name = f"{operation.kind} {operation.outcome}"
            counts[name] = counts.get(name, 0) + 1
        figure("nemesis_requests", dict(sorted(counts.items())))
        figure("nemesis_faults", dict(sorted(self.faults.counts.items())))
        self.wrong += self.history.judge()
        assert not self.wrong, "\n".join([f"seed {self.seed}:", *self.wrong[:20], self.keep()])

    def keep(self):
        """All that is known of a run that failed, beside the nodes' logs. Returns where it is."""
        folder = f"{os.environ.get('BRIGADE_KEEP', '/tmp')}/nemesis-{self.seed}-{os.getpid()}"
        os.makedirs(folder)
        with open(f"{folder}/story", "w") as file:
            file.write("\n".join([*self.wrong, "", *self.story, ""]))
        with open(f"{folder}/history", "w") as file:
            file.writelines(f"{operation}\n" for operation in self.history.operations)
        for node in self.cluster.nodes:
            shutil.copy(node.log, folder)
            for number, place in enumerate((node.dir, *node.disks)):
                try:
                    shutil.copytree(place, f"{folder}/{node.name}-{number}")
                except (OSError, shutil.Error):
                    pass  # the node goes on: some files are gone before they are copied
        try:
            with open(f"{folder}/located", "a") as file:
                for key in self.keys():
                    file.write(f"{key} {json.dumps(self.cluster.nodes[0].locate(key))}\n")
        except (OSError, http.client.HTTPException, AssertionError):
            pass  # it does not answer, which may be what failed
        return f"kept in {folder}"


def say_what_is_missing(network):
    if network is None:
        print("network namespaces are not permitted here: only processes, disks and the roster suffer (root has them)",
              file=sys.stderr)
