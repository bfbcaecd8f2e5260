"""The store's tools, and what becomes of bytes that turned over on a disk."""
import json
import subprocess
import time

from harness import BRIGADE, ClusterTest, check_all, content, figure, run_cli, wait_for


def store(tool, node, *arguments, code=0):
    """Runs `brigade store TOOL`; stdout, or stderr if it is to fail without an answer."""
    done = subprocess.run([BRIGADE, "store", tool, "--data", node.dir, *arguments], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == code, f"store {tool} at {node.name}: {done}"
    return done.stdout or done.stderr


def dump(node):
    return [json.loads(line) for line in store("dump", node, "--json").splitlines()]


def flip(file, offset):
    with open(file, "r+b") as segment:
        segment.seek(offset)
        byte = segment.read(1)[0]
        segment.seek(offset)
        segment.write(bytes([byte ^ 0x10]))


class Store(ClusterTest):
    def fill(self, nodes):
        objects = {f"store/{number}": size for number, size in
                   enumerate([0, 1, 700, 4096, 20_000, 65_536, 300_000, 3 << 20] * 6)}
        for number, (key, size) in enumerate(objects.items()):
            put = nodes[number % len(nodes)].patient("PUT", f"/o/{key}", content(key, size),
                                                     {"Brigade-Redundancy": "4"})
            self.assertIn(put.status, (200, 201), put)
        return objects

    def test_the_store_of_a_stopped_node_can_be_checked_dumped_and_its_index_rebuilt(self):
        nodes = self.make_cluster(3).nodes
        objects = self.fill(nodes)
        node = nodes[1]
        for tool in ("check", "dump", "rebuild-index"):
            said = store(tool, node, code=1)
            self.assertIn("a node serves from it", said)
            self.assertIn(node.dir, said)
        again = subprocess.run([BRIGADE, "serve", "--data", node.dir], capture_output=True, text=True, timeout=60)
        self.assertEqual(again.returncode, 1, again)
        self.assertIn("a node serves from it", again.stdout + again.stderr)

        self.assertEqual(node.stop(), 0)
        report = json.loads(store("check", node, "--json"))
        self.assertTrue(report["clean"], report)
        live = [record for record in dump(node) if record["state"] == "live"]
        self.assertEqual(len(live), report["objects"])
        self.assertLessEqual({record["key"] for record in live}, set(objects))
        store("rebuild-index", node)
        self.assertTrue(json.loads(store("check", node, "--json"))["has_index_snapshot"])

        hit = max((record for record in live if record["body_file"] is None), key=lambda record: record["size"])
        flip(hit["file"], hit["offset"] + 4096)
        report = json.loads(store("check", node, "--json", code=1))
        self.assertEqual([(each["file"], each["offset"], each["key"]) for each in report["damage"]],
                         [(hit["file"], hit["offset"], hit["key"])])
        node.start()
        node.wait_ready()
        check_all(nodes, objects)

    def scrub(self, node):
        done = subprocess.run([BRIGADE, "scrub", "--node", node.url, "--data", node.dir, "--wait", "--json"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def test_bytes_that_turned_over_are_found_by_a_scrub_and_replaced_from_siblings(self):
        nodes = self.make_cluster(3).nodes
        objects = self.fill(nodes)
        node = nodes[1]
        self.assertEqual(self.scrub(node)["corrupt_found"], 0)
        self.assertEqual(node.stop(), 0)
        live = [record for record in dump(node) if record["state"] == "live"]
        large = [record for record in live if record["body_file"]][:2]
        hits = [record for record in live if record["size"] > 100 and not record["body_file"]][::3] + large
        self.assertEqual(len(large), 2)
        self.assertGreater(len(hits), 8)
        for number, record in enumerate(hits):
            if record["body_file"]:
                flip(record["body_file"], 4096 + record["size"] // 2)
            elif number % 2:
                flip(record["file"], record["offset"] + 60)  # the header
            else:  # the body's first byte, or close behind it
                flip(record["file"], record["offset"] + 256)
        store("check", node, code=1)
        began = time.monotonic()
        node.start()
        node.wait_ready()
        found = self.scrub(node)
        figure("flipped records", len(hits))
        figure("found, repaired", f"{found['corrupt_found']}, {found['repaired']}")
        figure("seconds from start to all repaired", round(time.monotonic() - began, 1))
        self.assertEqual((found["corrupt_found"], found["repaired"], found["corrupt_now"]), (len(hits), len(hits), 0))
        self.assertEqual(found["segments_set_aside"], 0)
        self.assertEqual(node.cluster()["scrub"]["repaired"], len(hits))
        metrics = node.request("GET", "/metrics").body.decode()
        self.assertIn(f"brigade_repaired_records_total {len(hits)}", metrics)
        status = run_cli("status", "--node", node.url).stdout
        self.assertRegex(status, rf"scrub .*{len(hits)} corrupt records found, {len(hits)} repaired")
        with open(node.log, errors="replace") as log:
            self.assertGreaterEqual(log.read().count("corrupt record file="), 1)
        check_all(nodes, objects)
        self.assertEqual(node.stop(), 0)
        self.assertTrue(json.loads(store("check", node, "--json"))["clean"])
        self.assertEqual({record["key"] for record in dump(node) if record["state"] == "live"},
                         {record["key"] for record in live})

    def test_a_read_that_meets_damage_is_served_by_a_sibling_and_has_it_replaced(self):
        nodes = self.make_cluster(3).nodes
        objects = self.fill(nodes)
        node = nodes[2]
        self.assertEqual(node.stop(), 0)
        hit = next(record for record in dump(node)
                   if record["state"] == "live" and record["size"] == 20_000)
        flip(hit["file"], hit["offset"] + 5000)
        node.start()
        node.wait_ready()

        # Until the node has caught up, its siblings are read.
        def is_replaced():
            answer = node.patient("GET", f"/o/{hit['key']}")
            self.assertTrue(answer.status == 200 and answer.body == content(hit["key"], 20_000), answer)
            return node.cluster()["scrub"]["repaired"] == 1
        wait_for("the damaged copy is replaced", 30, is_replaced)
        self.assertEqual(node.cluster()["scrub"]["corrupt_now"], 0)
        check_all(nodes, objects)

    def test_damage_that_a_read_meets_midway_is_stepped_over(self):
        nodes = self.make_cluster(3).nodes
        objects = self.fill(nodes)
        node = nodes[1]
        self.assertEqual(node.stop(), 0)
        hits = [record for record in dump(node) if record["state"] == "live" and record["body_file"]][:2]
        for hit in hits:
            flip(hit["body_file"], 4096 + 1_500_000)
        node.start()
        node.wait_ready()

        def are_replaced():
            whole = node.patient("GET", f"/o/{hits[0]['key']}")
            self.assertTrue(whole.body == content(hits[0]["key"], 3 << 20))
            part = node.patient("GET", f"/o/{hits[1]['key']}", headers={"Range": "bytes=1000000-1999999"})
            self.assertEqual(part.status, 206)
            self.assertTrue(part.body == content(hits[1]["key"], 3 << 20)[1_000_000:2_000_000])
            return node.cluster()["scrub"]["repaired"] == len(hits)
        wait_for("the damaged copies are replaced", 30, are_replaced)
        check_all(nodes, objects)
