"""Far more clients than a cluster takes at a time: each is answered at once, memory stays bounded, nobody is starved."""
import http.client
import os
import re
import threading
import time
import unittest

from harness import PATIENT, ClusterTest, content, figure, percentile, wait_for
from test_memory import Watch

CONNECTIONS = int(os.environ.get("BRIGADE_CONNECTIONS", "300"))
SECONDS = 12
CONFIG = {"writes_max": 8, "request_memory": '"32MiB"'}
GROWTH_MAX = 96 << 20
SIZE = 64 << 10
POLITE_REQUESTS = 40


class Greedy:
    """Connections that ask again at once, whatever they are told; all from one address."""

    def __init__(self, nodes):
        self.nodes, self.over = nodes, threading.Event()
        self.lock, self.counts, self.surprises, self.slowest = threading.Lock(), {}, [], 0.0
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(CONNECTIONS)]
        for each in self.threads:
            each.start()

    def run(self, number):
        node, body = self.nodes[number // 3 % len(self.nodes)], content(f"greedy/{number}", SIZE)
        connection = http.client.HTTPConnection(node.host, node.client, timeout=40, source_address=("127.0.0.1", 0))
        turn = 0
        while not self.over.is_set():
            method = "PUT" if number % 3 else "GET"
            began = time.monotonic()
            try:
                connection.request(method, f"/o/greedy/{number - number % 3 + 1}", body if method == "PUT" else None)
                response = connection.getresponse()
                got = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.note(method, repr(error), False, began)
                connection.close()
                continue
            fits = response.status in (200, 201, 404) if method == "GET" else response.status in (200, 201)
            fits = fits or (response.status == 503 and response.headers["Retry-After"] is not None
                            and b"urn:brigade:problem:overloaded" in got)
            self.note(method, response.status if fits else f"{response.status} {got[:200]}", fits, began)
            turn += 1
        connection.close()

    def note(self, method, status, fits, began):
        with self.lock:
            self.counts[method, status] = self.counts.get((method, status), 0) + 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            if not fits:
                self.surprises.append((method, status))

    def stop(self):
        self.over.set()
        for each in self.threads:
            each.join()


class Overload(ClusterTest):
    def polite(self, node, method, key, body=None):
        """One request from another address, asked again after a moment while the answer is 503. How often."""
        for refusals in range(1000):
            connection = http.client.HTTPConnection(node.host, node.client, timeout=40,
                                                    source_address=("127.0.0.2", 0))
            try:
                connection.request(method, f"/o/{key}", body)
                response = connection.getresponse()
                got = response.read()
            finally:
                connection.close()
            if response.status != 503:
                self.assertIn(response.status, (200, 201), got[:300])
                if method == "GET":
                    self.assertEqual(got, content(key, SIZE))
                return refusals
            self.assertIsNotNone(response.headers["Retry-After"])
            time.sleep(0.05)
        self.fail(f"{method} {key} was refused 1000 times")

    def metric(self, node, pattern):
        text = node.request("GET", "/metrics").body.decode()
        return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.M))

    def test_far_more_clients_than_there_is_room_for(self):
        nodes = self.make_cluster(3, settings=PATIENT, config=CONFIG).nodes
        marks = {node.name: os.path.getsize(node.log) for node in nodes}
        watch = Watch(nodes)
        self.addCleanup(watch.over.set)
        greedy = Greedy(nodes)
        self.addCleanup(greedy.over.set)
        began, refusals, spans = time.monotonic(), 0, []
        for count in range(POLITE_REQUESTS):
            node, key, at = nodes[count % 3], f"polite/{count}", time.monotonic()
            refusals += self.polite(node, "PUT", key, content(key, SIZE))
            refusals += self.polite(nodes[(count + 1) % 3], "GET", key)
            spans.append(time.monotonic() - at)
        greedy.over.wait(max(0, began + SECONDS - time.monotonic()))
        greedy.stop()
        watch.stop()
        served = sum(count for (_, status), count in greedy.counts.items() if status in (200, 201, 404))
        refused = sum(count for (_, status), count in greedy.counts.items() if status == 503)
        figure("greedy_served_refused", f"{served}, {refused}")
        figure("greedy_slowest_s", round(greedy.slowest, 2))
        figure("polite_refused_before_served", f"{refusals} of {2 * POLITE_REQUESTS + refusals}")
        figure("polite_put_and_get_p50_p99_ms", ", ".join(str(round(1000 * percentile(spans, p))) for p in (50, 99)))
        for node in nodes:
            growth = watch.peak[node.name] - watch.first[node.name]
            figure(f"{node.name}_memory_growth_mib", round(growth / 2**20, 1))
            self.assertLess(growth, GROWTH_MAX, node.name)
        self.assertEqual(greedy.surprises, [])
        self.assertGreater(served, 0)
        self.assertGreater(refused, 0)
        self.assertGreater(sum(self.metric(node, r'brigade_overload_refusals_total\{work="write",.*\}')
                               for node in nodes), 0)
        for node in nodes:
            wait_for(f"all places of {node.name} given back", 10,
                     lambda: self.metric(node, r'brigade_places_in_use\{work="(?:write|handed-on|copy|push)"\}') == 0)
            with open(node.log) as log:
                log.seek(marks[node.name])
                self.assertNotIn("NodeDown", log.read())


if __name__ == "__main__":
    unittest.main()
