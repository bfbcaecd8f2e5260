"""The memory of nodes that take many big objects at once: bounded per upload, whatever the size."""
import hashlib
import http.client
import os
import shutil
import threading
import time
import unittest

from harness import PATIENT, ClusterTest, content, figure

UPLOADS = int(os.environ.get("BRIGADE_UPLOADS", "64"))
UPLOAD_MIB = int(os.environ.get("BRIGADE_UPLOAD_MIB", "16"))
COPIES = 2
GROWTH_MAX = 64 << 20
CHUNK = 64 << 10
BLOCK = content("memory", (4 << 20) + CHUNK)


def chunks(upload):
    """The content of an upload, in pieces that cost this process nothing."""
    block = memoryview(BLOCK)
    for number in range((UPLOAD_MIB << 20) // CHUNK):
        at = (upload * 7919 + number * 104_729) % (len(BLOCK) - CHUNK)
        yield block[at:at + CHUNK]


def anonymous_bytes(node):
    """Without the page cache, which is the system's to give and take."""
    with open(f"/proc/{node.process.pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return 1024 * sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))


class Watch:
    """Samples the memory of nodes every 50 ms; `peak` holds the most of each."""

    def __init__(self, nodes):
        self.nodes, self.over = nodes, threading.Event()
        self.first = {node.name: anonymous_bytes(node) for node in nodes}
        self.peak = dict(self.first)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.05):
            for node in self.nodes:
                self.peak[node.name] = max(self.peak[node.name], anonymous_bytes(node))

    def stop(self):
        self.over.set()
        self.thread.join()


class Memory(ClusterTest):
    def upload(self, number):
        """One PUT, all to one node: the hardest case. After its first MiB it waits until all others are as far."""
        connection = http.client.HTTPConnection(self.nodes[0].host, self.nodes[0].client, timeout=300)
        try:
            connection.putrequest("PUT", f"/o/memory/{number}")
            connection.putheader("Content-Length", str(UPLOAD_MIB << 20))
            connection.endheaders()
            for count, chunk in enumerate(chunks(number)):
                if count == (1 << 20) // CHUNK:
                    self.all_open.wait(120)
                connection.send(chunk)
            response = connection.getresponse()
            response.read()
            self.answers[number] = response.status
        except (OSError, http.client.HTTPException, threading.BrokenBarrierError) as error:
            self.answers[number] = repr(error)
            self.all_open.abort()
        finally:
            connection.close()

    def test_many_big_uploads_at_once(self):
        needed = UPLOADS * (UPLOAD_MIB << 20) * COPIES + (1 << 30)
        if shutil.disk_usage(self.root).free < needed:
            self.skipTest(f"{self.root} has less than {needed >> 20} MiB free")
        self.nodes = self.make_cluster(2, settings=PATIENT).nodes
        self.answers, self.all_open = {}, threading.Barrier(UPLOADS)
        watch = Watch(self.nodes)
        self.addCleanup(watch.over.set)
        began = time.monotonic()
        uploads = [threading.Thread(target=self.upload, args=(number,)) for number in range(UPLOADS)]
        for each in uploads:
            each.start()
        for each in uploads:
            each.join()
        seconds = time.monotonic() - began
        watch.stop()
        self.assertEqual(self.answers, dict.fromkeys(range(UPLOADS), 201))
        for number in range(0, UPLOADS, max(UPLOADS // 4, 1)):
            self.read_back(number, self.nodes[number // 4 % 2])
        figure("uploads", f"{UPLOADS}x{UPLOAD_MIB}MiB")
        figure("upload_mib_per_second", round(UPLOADS * UPLOAD_MIB / seconds))
        for node in self.nodes:
            growth = watch.peak[node.name] - watch.first[node.name]
            figure(f"{node.name}_memory_before_mib", round(watch.first[node.name] / 2**20, 1))
            figure(f"{node.name}_memory_growth_mib", round(growth / 2**20, 1))
        for node in self.nodes:
            self.assertLess(watch.peak[node.name] - watch.first[node.name], GROWTH_MAX, node.name)

    def read_back(self, number, node):
        expected, got = hashlib.sha256(), hashlib.sha256()
        for chunk in chunks(number):
            expected.update(chunk)
        connection = http.client.HTTPConnection(node.host, node.client, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", f"/o/memory/{number}")
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        while piece := response.read(1 << 20):
            got.update(piece)
        self.assertEqual(got.hexdigest(), expected.hexdigest(), f"upload {number} at {node.name}")


if __name__ == "__main__":
    unittest.main()
