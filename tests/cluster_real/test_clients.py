"""Clients that were not written here: curl and wrk."""
import glob
import http.client
import json
import os
import pathlib
import re
import subprocess
import threading
import unittest
from urllib.parse import quote, unquote

from harness import PATIENT, ClusterTest, content, figure, run_cli, wait_for

BIG = 8 << 20
WRK_PUT = """
local number, made = 0, 0
function setup(thread) number = number + 1; thread:set("writer", number) end
function init(arguments) body = string.rep("x", 65536) end
function request()
  made = made + 1
  return wrk.format("PUT", "/o/wrk/" .. writer .. "/" .. made, nil, body)
end
"""


class Clients(ClusterTest):
    def curl(self, *arguments, stdin=b""):
        """Runs curl; what it wrote to stdout and to stderr."""
        command = ["curl", "--silent", "--show-error", "--max-time", "60", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=90)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr[-2000:]}")
        return done.stdout, done.stderr

    def status(self, *arguments, **options):
        """Runs curl for one URL; the status, and the body, which goes through a file."""
        path = f"{self.root}/body"
        if os.path.exists(path):
            os.remove(path)
        said, _ = self.curl("--output", path, "--write-out", "%{http_code}", *arguments, **options)
        if not os.path.exists(path):  # curl makes none for an empty body
            return int(said), b""
        with open(path, "rb") as file:
            return int(said), file.read()

    def file(self, name, data):
        with open(f"{self.root}/{name}", "wb") as file:
            file.write(data)
        return f"{self.root}/{name}"

    def header_lines(self, *arguments):
        """Of the answer, as a set; without its date."""
        said, _ = self.curl("--dump-header", "-", "--output", "/dev/null", *arguments)
        return {line for line in said.decode().split("\r\n") if line and not line.startswith("Date:")}

    def test_curl(self):
        nodes = self.make_cluster(3).nodes
        for number, node in enumerate(nodes):
            with self.subTest(node=node.name):
                self.uploads(node, nodes[number - 1])
                self.downloads(node, nodes[number - 1])

    def uploads(self, node, other):
        data = content(f"curl/{node.name}", BIG)
        path = self.file("big", data)
        url = f"{node.url}/o/curl/{node.name}/big"
        _, talk = self.curl("--verbose", "--output", "/dev/null", "-H", "Expect: 100-continue",
                            "--expect100-timeout", "60", "-T", path, url)
        self.assertRegex(talk, rb"(?s)< HTTP/1.1 100 .*< HTTP/1.1 201 ")
        self.assertEqual(self.status(f"{other.url}/o/curl/{node.name}/big"), (200, data))
        code, _ = self.status("-H", "Expect: 100-continue", "-H", "If-None-Match: *", "-T", path, url)
        self.assertEqual(code, 412, "an upload that is refused")
        url = f"{node.url}/o/curl/{node.name}/piped"
        code, _ = self.status("-H", "Transfer-Encoding: chunked", "-T", "-", url, stdin=data)
        self.assertEqual(code, 201, "an upload without a length")
        self.assertEqual(self.status(f"{other.url}/o/curl/{node.name}/piped"), (200, data))

    def downloads(self, node, other):
        size = 100_000
        data = content(f"small/{node.name}", size)
        url = f"{node.url}/o/small/{node.name}"
        self.assertEqual(self.status("-T", self.file("small", data), f"{other.url}/o/small/{node.name}")[0], 201)
        self.assertEqual(self.status("-r", "1000-69999", url), (206, data[1000:70_000]))
        self.assertEqual(self.status("-r", "-500", url), (206, data[-500:]))
        modified = next(line for line in self.header_lines(url) if line.startswith("Last-Modified: "))
        self.assertEqual(self.status("-z", modified.split(": ", 1)[1], url)[0], 304)
        self.assertEqual(self.status("-z", "Sat, 01 Jan 2000 00:00:00 GMT", url), (200, data))
        etag = f"{self.root}/etag"
        self.assertEqual(self.status("--etag-save", etag, url), (200, data))
        self.assertEqual(self.status("--etag-compare", etag, url)[0], 304)
        self.assertEqual(self.header_lines("--head", url), self.header_lines(url), "HEAD and GET differ")
        several = [each for url in (url, f"{node.url}/o/never/stored", url) for each in ("--output", "/dev/null", url)]
        said, _ = self.curl("--write-out", "%{http_code}:%{num_connects} ", *several)
        self.assertEqual(said.split(), [b"200:1", b"404:0", b"200:0"], "three answers on one connection")

        big, data = f"{other.url}/o/curl/{node.name}/big", content(f"curl/{node.name}", BIG)
        self.assertEqual(self.status("--limit-rate", "6M", big), (200, data))
        part = self.file("part", data[:BIG // 3])
        self.curl("-C", "-", "--output", part, big)
        with open(part, "rb") as file:
            self.assertTrue(file.read() == data, "a download that went on where it stopped")

    def test_event_loops(self):
        """Connections that mix reads and writes, at nodes with more loops than cores."""
        cluster = self.make_cluster(2, settings=PATIENT)
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)
            with open(f"{node.dir}/brigade.toml", "r+") as file:
                text = file.read().replace("event_loops = 0", "event_loops = 4")
                file.seek(0)
                file.write(text)
        for node in cluster.nodes:
            node.start()
        cluster.wait_settled()
        for node in cluster.nodes:
            comms = [pathlib.Path(path).read_text() for path in glob.glob(f"/proc/{node.process.pid}/task/*/comm")]
            self.assertEqual(comms.count("reads\n"), 3)
        failed = []

        def client(number):
            node, key = cluster.nodes[number % 2], f"loops/{number}"
            connection = http.client.HTTPConnection(node.host, node.client, timeout=20)
            try:
                for turn in range(20):
                    data = content(f"{key} {turn}", 70_000 if turn % 5 == 0 else 3000)
                    for method, body in (("PUT", data), ("GET", None), ("HEAD", None), ("GET", None)):
                        connection.request(method, f"/o/{key}", body)
                        answer = connection.getresponse()
                        got = answer.read()
                        if answer.status // 100 != 2 or (method == "GET" and got != data):
                            failed.append(f"{method} {key} {turn}: {answer.status}, {len(got)} bytes")
                    if turn % 4 == 3:  # a new one begins at any loop
                        connection.close()
            finally:
                connection.close()
        threads = [threading.Thread(target=client, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed[:5], [])
        said = "".join(node.request("GET", "/metrics").body.decode() for node in cluster.nodes)
        counted = sum(int(float(number)) for number in re.findall(r'requests_total{method="GET"} ([0-9.]+)', said))
        self.assertEqual(counted, 32 * 20 * 2)
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)

    def redirects(self, node):
        settings = json.loads(node.request("GET", "/cluster/settings").body)["settings"]
        return any(each["name"] == "redirect" and each["value"] == "true" for each in settings)

    def test_redirect(self):
        nodes = self.make_cluster(3).nodes
        for number in range(6):
            key = quote(f"redirect/{number} % ä")
            data = content(key, 5000)
            self.assertEqual(nodes[number % 3].request("PUT", f"/o/{key}", data).status, 201)
            holders = {each["node"] for each in nodes[0].locate(key)["held_by"]}
            self.assertEqual(len(holders), 2)
            for node in nodes:
                with self.subTest(key=key, node=node.name, holds=node.name in holders):
                    url = f"{node.url}/o/{key}"
                    answer = node.request("GET", f"/o/{key}", headers={"Brigade-Redirect": "yes"})
                    if node.name in holders:
                        self.assertEqual((answer.status, answer.body), (200, data), answer)
                    else:
                        self.assertEqual(answer.status, 307, answer)
                        at = [each.name for each in nodes if answer.headers["Location"] == f"{each.url}/o/{key}"]
                        self.assertTrue(at and at[0] in holders, f"{answer.headers['Location']} is none of {holders}")
                    followed = self.status("-L", "-H", "Brigade-Redirect: yes", url)
                    self.assertEqual(followed, (200, data))
                    self.assertEqual(self.status(url), (200, data), "nobody asked for a redirect")
        self.assertEqual(run_cli("settings", "redirect=true", "--node", nodes[0].url, "--data", nodes[0].dir).returncode, 0)
        for node in nodes:
            wait_for(f"{node.name} knows", 10, lambda n=node: self.redirects(n))
            answer = node.request("GET", f"/o/{key}", headers={"Brigade-Redirect": "no"})
            self.assertEqual((answer.status, answer.body), (200, data), answer)
            self.assertEqual(self.status("-L", f"{node.url}/o/{key}"), (200, data))
            self.assertEqual(run_cli("stat", unquote(key), "--node", node.url).returncode, 0)

    def wrk(self, name, *arguments):
        done = subprocess.run(["wrk", "-t2", "-c16", "-d2s", "--timeout", "20s", *arguments],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn("Non-2xx", done.stdout)
        self.assertNotIn("Socket errors", done.stdout)
        rate = re.search(r"Requests/sec: +([0-9.]+)", done.stdout)
        self.assertTrue(rate and float(rate[1]) > 0, done.stdout)
        figure(f"wrk_{name}_per_second", round(float(rate[1])))

    def test_wrk(self):
        nodes = self.make_cluster(3, settings=PATIENT).nodes
        data = content("wrk/object", 65536)
        self.assertEqual(nodes[0].request("PUT", "/o/wrk/object", data).status, 201)
        place = nodes[0].locate("wrk/object")
        first = next(node for node in nodes if node.name == place["read_from"]["node"])
        holders = {each["node"] for each in place["held_by"]}
        other = next(node for node in nodes if node.name not in holders)
        second = next(node for node in nodes if node.name in holders and node is not first)
        self.wrk("get_64k_at_first_holder", f"{first.url}/o/wrk/object")
        self.wrk("get_64k_at_second_holder", f"{second.url}/o/wrk/object")
        self.wrk("get_64k_at_non_holder", f"{other.url}/o/wrk/object")
        self.wrk("put_64k", "-s", self.file("put.lua", WRK_PUT.encode()), first.url)
        page = json.loads(other.request("GET", "/cluster/objects?prefix=wrk/2/&limit=5").body)
        self.assertEqual(len(page["objects"]), 5)
        for each in page["objects"]:
            self.assertEqual(other.request("GET", f"/o/{each['key']}").body, b"x" * 65536)


if __name__ == "__main__":
    unittest.main()
