"""Bits that turn over on a node's disk: never a wrong byte served, never a crash loop, and the log names the place."""
import glob
import http.client
import json
import os
import random
import re
import shutil
import unittest

from harness import PATIENT, SEED, ClusterTest, check_all, content, figure, run_cli, wait_for

ROUNDS = int(os.environ.get("BRIGADE_ROT_ROUNDS", "3"))
SEGMENTS, LARGE = "objects/**/segments/*.seg", "objects/**/large/*/*"
SIZES = (0, 700, 4097, 65_536, 900_000, 2_000_000)


def flip(path, offset, bit):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))
    print(f"flip {path} {offset} bit {bit}", flush=True)


def used_bytes(path):
    """Where the zeros at the end begin."""
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0")) or 1


class BitRot(ClusterTest):
    def setUp(self):
        self.draw = random.Random(f"{SEED}:rot")
        print(f"seed {SEED}", flush=True)

    def flip_anywhere(self, node, pattern, count):
        """Bits at random places of the files that match; false if there is no file."""
        paths = sorted(glob.glob(f"{node.dir}/{pattern}", recursive=True))
        for _ in range(count if paths else 0):
            path = self.draw.choice(paths)
            flip(path, self.draw.randrange(used_bytes(path)), self.draw.randrange(8))
        return bool(paths)

    def find_copy(self, node, key, size):
        """File and offset of an object's bytes on this node; none if it has no good copy."""
        wanted = content(key, size)
        for path in sorted(path for pattern in (SEGMENTS, LARGE)
                           for path in glob.glob(f"{node.dir}/{pattern}", recursive=True)):
            with open(path, "rb") as file:
                at = file.read().find(wanted)
            if at >= 0:
                return path, at
        return None

    def flip_inside(self, node, key, size):
        """A bit of an object's bytes on this node. Returns file and offset; none if it has no copy."""
        found = self.find_copy(node, key, size)
        if found is None:
            return None
        path, place = found[0], found[1] + self.draw.randrange(size)
        flip(path, place, self.draw.randrange(8))
        return path, place

    def store(self, cluster, count, prefix):
        objects = {f"{prefix}/{number}": SIZES[number % len(SIZES)] for number in range(count)}
        for number, (key, size) in enumerate(objects.items()):
            node = cluster.nodes[number % len(cluster.nodes)]
            self.assertIn(node.patient("PUT", f"/o/{key}", content(key, size)).status, (200, 201), key)
        return objects

    def read_everywhere(self, nodes, objects):
        """What was not served, by (node, key); a 200 has the right bytes, and nobody denies an object."""
        missing = {}
        for node in nodes:
            for key, size in objects.items():
                try:
                    answer = node.request("GET", f"/o/{key}")
                except http.client.IncompleteRead:  # rather than a wrong byte
                    missing[node.name, key] = "cut off"
                    continue
                if answer.status == 200:
                    self.assertTrue(answer.body == content(key, size), f"{key} at {node.name}: wrong bytes")
                else:
                    missing[node.name, key] = answer
        return missing

    def reports(self, node):
        """(file, offset) of all damage that the log names."""
        with open(node.log, errors="replace") as log:
            return [(name, int(offset)) for name, offset in
                    re.findall(r"corrupt record file=(\S+) offset=(\d+) reason=", log.read())]

    def check_named(self, node, path, offset):
        """Where the record begins, or in a file of its own the first block that was found."""
        reports = self.reports(node)
        found = [at for name, at in reports if name == path and (at <= offset < at + 1_000_000 or "/large/" in path)]
        self.assertTrue(found, f"{path} {offset} is in no report: {reports}")

    def restart(self, node):
        node.start()
        node.wait_ready()

    def test_one_of_three(self):
        cluster = self.make_cluster(3, settings=PATIENT)
        objects, victim = self.store(cluster, 120, "rot"), cluster.nodes[1]
        for number in range(ROUNDS):
            wait_for("all buckets serving", 120, cluster.is_settled)
            self.assertEqual(victim.stop(), 0)
            keys = self.draw.sample([key for key, size in objects.items() if size > 700], 8)
            places = [place for key in keys if (place := self.flip_inside(victim, key, objects[key]))]
            self.assertTrue(places, "no copy at all on this node")
            self.assertTrue(self.flip_anywhere(victim, SEGMENTS, 10))
            self.assertTrue(self.flip_anywhere(victim, LARGE, 3))
            self.restart(victim)
            # While it fills what it had handed over, its siblings answer for it.
            wait_for("all buckets serving", 120, cluster.is_settled)
            check_all(cluster.nodes, objects)
            victim.check_running()
            # Later, what was damaged before may lie about still, and nobody reads that.
            for path, offset in places if number == 0 else ():
                self.check_named(victim, path, offset)
        figure("rot_reports", len(self.reports(victim)))
        # The siblings' copies take the place of what was damaged: now this node's are good for the others, too.
        wait_for("all buckets serving", 120, cluster.is_settled)
        check_all(cluster.nodes, objects)

    def test_all_of_three(self):
        cluster = self.make_cluster(3, settings=PATIENT)
        objects = self.store(cluster, 120, "rot")
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)
            self.flip_anywhere(node, SEGMENTS, 10)
            self.flip_anywhere(node, LARGE, 3)
        lost = {key for key, size in objects.items()
                if size and not any(self.find_copy(node, key, size) for node in cluster.nodes)}
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        for _ in range(2):  # what the first reads found to be damaged, the next take from elsewhere
            missing = self.read_everywhere(cluster.nodes, objects)
            # Both copies of an object may be hit, but nobody may deny that it was there.
            self.assertEqual({getattr(answer, "status", 503) for answer in missing.values()} - {500, 503}, set(), missing)
        unserved = {key for _, key in missing}
        # A bit of a header makes good bytes unreadable.
        self.assertLessEqual(len(unserved - lost), 3, (unserved - lost, missing))
        self.assertLessEqual(lost, unserved)
        figure("rot_everywhere_lost", f"{len(lost)}/{len(objects)}")

    def test_under_a_running_node(self):
        cluster = self.make_cluster(3, settings=PATIENT)
        objects, victim = self.store(cluster, 60, "rot"), cluster.nodes[1]
        keys = self.draw.sample([key for key, size in objects.items() if size > 700], 10)
        places = [place for key in keys if (place := self.flip_inside(victim, key, objects[key]))]
        check_all(cluster.nodes, objects)
        named = {os.path.basename(name) for name, _ in self.reports(victim)}
        self.assertTrue(any(os.path.basename(path) in named for path, _ in places), (places, named))

    def test_a_deep_proof_finds_and_mends_it(self):
        cluster = self.make_cluster(3, settings=PATIENT)
        objects, victim = self.store(cluster, 60, "rot"), cluster.nodes[1]
        keys = self.draw.sample([key for key, size in objects.items() if size > 700], 10)
        damaged = sum(self.flip_inside(victim, key, objects[key]) is not None for key in keys)
        self.assertGreater(damaged, 0)
        self.assertEqual(run_cli("verify", "--deep", "--node", victim.url).returncode, 2)  # it may not ask that
        done = run_cli("verify", "--deep", "--json", "--node", cluster.nodes[0].url, "--data", victim.dir)
        self.assertEqual(done.returncode, 0, done)
        read = {each["node"]: each for each in json.loads(done.stdout)["read"]}
        self.assertEqual(sorted(read), ["n1", "n2", "n3"])
        self.assertGreaterEqual(read["n2"]["repaired"], damaged)
        self.assertEqual(sum(each["corrupt_now"] for each in read.values()), 0)
        said = run_cli("verify", "--deep", "--node", cluster.nodes[2].url, "--data", victim.dir).stdout
        self.assertIn("read and verified, 0 objects damaged", said)
        check_all(cluster.nodes, objects)

    def test_the_index_snapshot(self):
        cluster = self.make_cluster(1, settings=("redundancy=1", "min_redundancy=1", "retention=0s", *PATIENT))
        node, size = cluster.nodes[0], 1_000_000
        objects = {}
        for number in range(300):  # it is written after so many bytes
            key = f"snapshot/{number % 40}"
            objects[key] = size + number
            self.assertIn(node.request("PUT", f"/o/{key}", content(key, size + number)).status, (200, 201))
        objects |= self.store(cluster, 30, "small")
        wait_for("a snapshot", 60, lambda: glob.glob(f"{node.dir}/**/index.snap", recursive=True))
        for _ in range(ROUNDS):
            self.assertEqual(node.stop(), 0)
            self.assertTrue(self.flip_anywhere(node, "**/index.snap", 3))
            self.restart(node)
            check_all(cluster.nodes, objects)
            self.assertTrue(any("index.snap" in name for name, _ in self.reports(node)), "no report of the snapshot")
            # It was set aside: the next round needs another.
            if not glob.glob(f"{node.dir}/**/index.snap", recursive=True):
                break

    def test_the_journal(self):
        cluster = self.make_cluster(3, settings=PATIENT)
        objects, victim = self.store(cluster, 30, "journal"), cluster.nodes[1]
        others, refused = [cluster.nodes[0], cluster.nodes[2]], 0
        for number in range(4 * ROUNDS):
            changed = run_cli("settings", f"grace={number + 5}min", "--data", others[0].dir, "--node", others[0].url)
            self.assertEqual(changed.returncode, 0, changed.stderr)
            if number % 2:  # with a write-ahead log that was not written back
                cluster.kill([victim])
            else:
                self.assertEqual(victim.stop(), 0)
            before = f"{self.root}/before"
            shutil.copytree(victim.dir, before)
            files = [path for path in sorted(glob.glob(f"{victim.dir}/journal.db*")) if os.path.getsize(path)]
            for _ in range(4):
                path = self.draw.choice(files)
                flip(path, self.draw.randrange(os.path.getsize(path)), self.draw.randrange(8))
            at = os.path.getsize(victim.log)
            victim.start()
            wait_for("the node serves or refuses", 60, lambda: victim.is_ready() or not victim.is_running())
            check_all(others, objects)
            with open(victim.log, errors="replace") as log:
                log.seek(at)
                said = log.read()
            if not victim.is_running():
                refused += 1
                self.assertEqual(victim.process.returncode, 1, said)
                self.assertIn("cannot start", said)
                self.assertIn("journal.db", said)
                self.assertIn("damaged", said)
                # It refused before it said a word to anybody: as it was, it is still itself.
                shutil.rmtree(victim.dir)
                shutil.move(before, victim.dir)
                victim.start()
                victim.wait_ready()
            shutil.rmtree(before, ignore_errors=True)
            check_all(cluster.nodes, objects)
            wait_for("all know of the change", 60, lambda n=number: all(
                f"{n + 5}min" in run_cli("settings", "grace", "--node", node.url).stdout for node in cluster.nodes))
        figure("journals_refused", f"{refused}/{4 * ROUNDS}")


if __name__ == "__main__":
    unittest.main()
