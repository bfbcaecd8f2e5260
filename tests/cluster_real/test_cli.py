"""`brigade`'s commands against real nodes: JSON on stdout, exit codes, folders of which not all can be stored."""
import json
import os
import subprocess
import unittest

from harness import BRIGADE, ClusterTest, content

NOWHERE = "http://127.0.0.1:1"


class Cli(ClusterTest):
    def brigade(self, *arguments, code=0, **environment):
        """Runs it, by default against `node`; the bytes of stdout, and stderr."""
        done = subprocess.run([BRIGADE, *arguments], capture_output=True, timeout=60,
                              env={**os.environ, "BRIGADE_NODE": self.node.url, **environment})
        self.assertEqual(done.returncode, code, f"brigade {arguments}: {done}")
        if code != 0:
            self.assertTrue(done.stderr, "a failure without a word")
        return done.stdout, done.stderr.decode(errors="replace")

    def json(self, *arguments, code=0):
        return json.loads(self.brigade(*arguments, "--json", code=code)[0].decode())

    def make_folder(self):
        """Two files that can be stored, and three that can't."""
        folder = f"{self.root}/folder"
        os.makedirs(f"{folder}/sub")
        for name in ("one.jpg", "sub/two.mp4"):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(content(name, 30_000))
        os.mkfifo(f"{folder}/a-pipe")
        os.symlink("nowhere", f"{folder}/dangling")
        deep = folder + ("/" + "d" * 200) * 5  # a key of more than 1024 bytes
        os.makedirs(deep)
        with open(f"{deep}/{'e' * 100}", "wb") as file:
            file.write(b"x")
        return folder

    def test_commands(self):
        self.nodes = self.make_cluster(3).nodes
        self.node = self.nodes[0]
        self.put_a_folder()
        self.objects()
        self.cluster()
        for usage in (("no-such-command",), ("get",), ("put",), ("log", "--after", "x"), ("stat", "k", "--no-such"),
                      ("put", "f", "--redundancy", "3")):
            self.brigade(*usage, code=2)
        for command in (("get", "k"), ("ls",), ("status",), ("locate", "k")):
            self.brigade(*command, code=1, BRIGADE_NODE=NOWHERE)

    def put_a_folder(self):
        folder = self.make_folder()
        _, said = self.brigade("put", folder, "--prefix", "in/", code=1)
        self.assertRegex(said, r"2 files stored, .*; 3 failed\n$")
        for name in ("a-pipe", "dangling", "e" * 100):
            self.assertIn(name, said)
        report = self.json("put", folder, "--prefix", "in/", code=1)
        self.assertEqual([each["key"] for each in report["stored"]], ["in/folder/one.jpg", "in/folder/sub/two.mp4"])
        self.assertEqual(len(report["failed"]), 3)
        self.assertEqual(len(self.json("put", f"{folder}/sub")["stored"]), 1)
        self.brigade("put", f"{self.root}/not-there", code=1)

    def test_a_name_that_is_not_utf_8(self):
        self.node = self.make_cluster(1).nodes[0]
        folder = f"{self.root}/folder"
        os.makedirs(folder)
        for name in (b"one.jpg", b"not-utf-8-\xff.jpg"):
            with open(f"{folder}/".encode() + name, "wb") as file:
                file.write(b"x")
        _, said = self.brigade("put", folder, code=1)
        self.assertRegex(said, r"(?s)not-utf-8-.*1 file stored, .*; 1 failed\n$")
        report = self.json("put", folder, code=1)
        self.assertEqual(([each["key"] for each in report["stored"]], len(report["failed"])), (["folder/one.jpg"], 1))

    def test_options_come_before_the_environment(self):
        cluster = self.make_cluster(1)
        self.node = cluster.nodes[0]
        self.brigade("put", BRIGADE, "--key", "k")
        for command in (("status",), ("nodes",), ("locate", "k"), ("log",), ("settings",), ("plan",), ("ls",),
                        ("stat", "k"), ("get", "k", "-o", f"{self.root}/k"), ("put", BRIGADE, "--key", "k"),
                        ("rm", "k")):
            with self.subTest(command=command):
                self.brigade(*command, "--node", self.node.url, BRIGADE_NODE=NOWHERE)
        self.brigade("settings", "retention=2d", "--token", cluster.token, BRIGADE_TOKEN="another")

    def objects(self):
        key = "in/folder/one.jpg"
        self.assertEqual(self.brigade("get", key)[0], content("one.jpg", 30_000))
        self.brigade("get", key, "-o", f"{self.root}/got")
        with open(f"{self.root}/got", "rb") as file:
            self.assertEqual(file.read(), content("one.jpg", 30_000))
        got = self.json("get", key, "-o", f"{self.root}/got")
        self.assertEqual((got["key"], got["file"], got["content-length"]), (key, f"{self.root}/got", "30000"))
        stat = self.json("stat", key)
        self.assertEqual((stat["key"], stat["content-type"], stat["content-length"]), (key, "image/jpeg", "30000"))
        keys = ["in/folder/one.jpg", "in/folder/sub/two.mp4", "sub/two.mp4"]
        self.assertEqual([each["key"] for each in self.json("ls")["objects"]], keys)
        self.assertEqual([each["key"] for each in self.json("ls", "--prefix", "sub/")["objects"]], keys[2:])
        place = self.json("locate", key)
        self.assertEqual((place["key"], place["exists"], len(place["held_by"])), (key, True, 2))
        self.assertIs(self.json("locate", "never-stored")["exists"], False)

        self.assertEqual(self.json("rm", "sub/two.mp4"), {"removed": ["sub/two.mp4"], "failed": []})
        partly = self.json("rm", "sub/two.mp4", key, code=1)
        self.assertEqual((partly["removed"], [each["key"] for each in partly["failed"]]), ([key], ["sub/two.mp4"]))
        self.assertEqual([each["key"] for each in self.json("ls")["objects"]], keys[1:2])
        self.assertEqual(self.brigade("get", key, code=1)[0], b"")
        self.brigade("stat", key, code=1)
        self.brigade("get", key, "-o", f"{self.root}/gone", code=1)
        self.assertFalse(os.path.exists(f"{self.root}/gone"))
        self.remove_by_prefix()

    def remove_by_prefix(self):
        for name in ("a", "b", "c"):
            self.brigade("put", f"{self.root}/folder/one.jpg", "--key", f"old/{name}")
        self.brigade("put", f"{self.root}/folder/one.jpg", "--key", "older")
        self.brigade("rm", code=2)
        self.brigade("rm", "older", "--prefix", "old/", code=2)
        _, said = self.brigade("rm", "--prefix", "old/", code=1)
        self.assertRegex(said, r"3 objects \(87.9 KiB\) begin with old/; nothing was removed")
        self.assertEqual(self.json("rm", "--prefix", "old/", code=1),
                         {"removed": [], "failed": [], "would_remove": ["old/a", "old/b", "old/c"]})
        self.assertEqual(len(self.json("ls", "--prefix", "old")["objects"]), 4)
        gone = {"removed": ["old/a", "old/b", "old/c"], "failed": []}
        self.assertEqual(self.json("rm", "--prefix", "old/", "--yes"), gone)
        self.assertEqual([each["key"] for each in self.json("ls", "--prefix", "old")["objects"]], ["older"])
        self.assertEqual(self.json("rm", "--prefix", "old/", "--yes")["removed"], [])

    def cluster(self):
        self.assertEqual(self.json("status")["state"], "serving")
        names = sorted(node.name for node in self.nodes)
        self.assertEqual(sorted(each["name"] for each in self.json("nodes")["roster"]), names)
        log = self.json("log")["entries"]
        self.assertEqual([each["seq"] for each in log], sorted(each["seq"] for each in log))
        self.assertEqual(len(self.json("log", "--after", str(log[0]["seq"]), "--limit", "2")["entries"]), 2)
        self.json("plan")
        for command in ("status", "nodes", "log", "plan", "settings", "ls"):
            self.assertTrue(self.brigade(command)[0], f"brigade {command} says nothing")


if __name__ == "__main__":
    unittest.main()
