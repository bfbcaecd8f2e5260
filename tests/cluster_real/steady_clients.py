"""Clients at a steady rate, and what they had to wait, while a cluster changes under them.

Concept: requests are due at fixed moments, whatever became of those before, so that a cluster that stalls is not asked
         less for it; a time runs from the moment when the request was due. A client that is told 503, finds nobody at a
         node, or loses the connection, asks the next node, soon. It gives up after a while: then the request failed.
         Each request has a connection of its own.
Thread:  many of its own; queries from the thread that made it.
"""
import collections
import http.client
import itertools
import math
import random
import threading
import time

from harness import SEED, content, percentile

RETRY_SECONDS = 0.02
GIVE_UP_SECONDS = 30
WORKERS = 32
SIZE_MEDIAN, SIZE_SIGMA, SIZE_MAX = 24_576, 0.75, 1_048_576  # as thumbnails are: 32 KiB in the mean


def size_of(key):
    draw = random.Random(f"{SEED}:size:{key}")
    return min(int(draw.lognormvariate(math.log(SIZE_MEDIAN), SIZE_SIGMA)), SIZE_MAX)


def body_of(key):
    return content(key, size_of(key))


class Request:
    def __init__(self, due, key, is_write):
        self.due, self.key, self.is_write = due, key, is_write
        self.answered, self.refused, self.failed = 0.0, [], ""
        self.holders = set()  # of a write: where it is, says its receipt

    @property
    def ms(self):
        return 1000 * (self.answered - self.due)


def carry_out(request, nodes):
    """Until it is answered with yes, at one node after the other."""
    body = body_of(request.key)
    for node in itertools.cycle(nodes):
        try:
            answer = node.request("PUT" if request.is_write else "GET", f"/o/{request.key}",
                                  body if request.is_write else None, timeout=GIVE_UP_SECONDS)
            if answer.status == 503 and answer.headers["Retry-After"]:
                request.refused.append(answer.problem())
            elif answer.status not in ((200, 201) if request.is_write else (200,)):
                request.failed = f"{answer!r} at {node.name}"
            elif not request.is_write and answer.body != body:
                request.failed = f"{len(answer.body)} wrong bytes at {node.name}"
            else:
                request.answered = time.monotonic()
                request.holders = set((answer.headers["Brigade-Nodes"] or "").split(", "))
                return
        except ConnectionRefusedError:
            request.refused.append("nobody")
        except (OSError, http.client.HTTPException):
            request.refused.append("broken off")
        request.answered = time.monotonic()
        if request.answered > request.due + GIVE_UP_SECONDS:
            request.failed = request.failed or "no answer"
        if request.failed:
            return
        time.sleep(RETRY_SECONDS)


class SteadyClients:
    """Reads of `keys` and of what they have written, and writes of new keys, at these rates a second, until stopped."""

    def __init__(self, nodes, keys, reads=60, writes=12):
        self.nodes, self.keys = list(nodes), list(keys)
        self.rate, self.write_share = reads + writes, writes / (reads + writes)
        self.done, self.holders = [], {}
        self.draw, self.count, self.began = random.Random(f"{SEED}:clients"), 0, time.monotonic()
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def next_request(self):
        """And the nodes, in the order in which they are asked."""
        with self.lock:
            self.count += 1
            due = self.began + self.count / self.rate
            is_write = self.draw.random() < self.write_share
            key = f"new/{self.count}" if is_write else self.draw.choice(self.keys)
            first = self.draw.randrange(len(self.nodes))
            return Request(due, key, is_write), self.nodes[first:] + self.nodes[:first]

    def work(self):
        while not self.over.is_set():
            request, nodes = self.next_request()
            if self.over.wait(request.due - time.monotonic()):
                return
            carry_out(request, nodes)
            with self.lock:
                self.done.append(request)
                if request.is_write and not request.failed:
                    self.holders[request.key] = request.holders
                    self.keys.append(request.key)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def between(self, begin, end):
        """Figures of the requests that were due then."""
        with self.lock:
            some = [request for request in self.done if begin <= request.due < end]
        times = [request.ms for request in some]
        return {"requests": len(some), "p50_ms": round(percentile(times, 50), 1), "p99_ms": round(percentile(times, 99), 1),
                "longest_ms": round(max(times)), "retried": sum(bool(request.refused) for request in some),
                "refused": collections.Counter(why for request in some for why in request.refused),
                "failed": [f"{request.key}: {request.failed}" for request in some if request.failed]}


def store_all(nodes, keys, threads=12):
    """PUTs every key, through all nodes; returns which nodes hold it."""
    turns, failed, holders = iter(enumerate(keys)), [], {}
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number, key = next(turns, (0, None))
            if key is None:
                return
            request = Request(time.monotonic(), key, True)
            carry_out(request, nodes[number % len(nodes):] + nodes[:number % len(nodes)])
            holders[key] = request.holders
            if request.failed:
                failed.append(f"{key}: {request.failed}")

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failed, failed[:5]
    return holders
