"""The store's tools, and what becomes of bytes that turned over on a disk."""
import json
import subprocess

from harness import BRIGADE, ClusterTest, check_all, content, wait_for


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
