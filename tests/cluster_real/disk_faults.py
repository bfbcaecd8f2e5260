"""What befalls disks, one node at a time: bits flip, a disk is lost or fails, a disk gets full.

Concept: an object has two copies. So nothing is damaged before the cluster has proved that all copies are there, and
         each fault ends with that proof.
Thread:  that of Faults.
"""
import errno
import glob
import os
import shutil

import fault_injection
from harness import run_cli, wait_for

FILES = ("objects/segments/*.seg", "objects/large/*/*")
LEFT_FREE = 64 * 1024
SEEN_SECONDS = 30


class DiskFaults:
    def __init__(self, faults, test, small):
        self.faults, self.test, self.small = faults, test, small
        self.kinds = [self.flip_bits, self.flip_bits, self.lose_disk]
        if fault_injection.is_possible():
            self.kinds.append(self.fail_disk)
        if small is not None:
            self.kinds += [self.fill_disk, self.fill_disk]

    def any_node(self):
        return self.faults.draw.choice(self.faults.cluster.live())

    def flip_bits(self):
        """Of a running node's records; then it is asked to look."""
        self.faults.wait_until_whole()
        node, draw = self.any_node(), self.faults.draw
        paths = sorted(path for place in (node.dir, *node.disks) for pattern in FILES for path in glob.glob(f"{place}/{pattern}"))
        count = 0
        for _ in range(draw.randint(1, 20) if paths else 0):
            path = draw.choice(paths)
            count += flip(path, draw)
        self.faults.tell(f"{count} bits flip at", [node])
        done = run_cli("scrub", "--wait", "--json", "--node", node.url, "--data", node.dir)
        assert done.returncode == 0, f"scrub of {node.name}: {done.stdout}{done.stderr}"
        self.faults.log("all is read and mended")

    def lose_disk(self):
        """One of a node's two; the operator says that it is lost, and puts a new one in later."""
        self.faults.wait_until_whole()
        node = self.any_node()
        self.faults.tell("lose a disk of", [node])
        self.faults.cluster.kill([node])
        shutil.rmtree(node.disks[0])
        node.start("--give-up", node.disks[0])
        self.replace_disk(node)

    def fail_disk(self):
        """Its syncs fail: the node gives it up by itself, and goes on."""
        self.faults.wait_until_whole()
        node = self.any_node()
        if not any(each["name"] == node.name and each["buckets"] for each in node.cluster().get("roster", [])):
            return  # nothing is written there
        segments = f"{node.disks[0]}/objects/segments"
        serials = [int(os.path.basename(path).split(".")[0], 16) for path in glob.glob(f"{segments}/*.seg")]
        if not serials:
            return
        # Those that it will write next, too.
        paths = [f"{segments}/{serial:08x}.seg" for serial in range(min(serials), max(serials) + 64)]
        self.faults.tell("syncs fail on a disk of", [node])
        strace = fault_injection.inject(self.test, node, "fdatasync", paths, "EIO")

        def is_given_up():
            with open(f"{node.dir}/disks.toml") as register:
                return "given_up = true" in register.read()
        wait_for(f"{node.name} gives up its disk", SEEN_SECONDS, is_given_up)
        strace.kill()
        strace.wait()
        self.replace_disk(node)

    def replace_disk(self, node):
        node.wait_ready()
        self.faults.wait_until_whole()
        node.stop()
        shutil.rmtree(node.disks[0], ignore_errors=True)
        os.mkdir(node.disks[0])
        self.faults.tell("start with a new disk", [node])
        node.start()
        node.wait_ready()
        self.faults.wait_until_whole()

    def fill_disk(self):
        if self.small.path not in [node.dir for node in self.faults.cluster.nodes]:
            return
        ballast = f"{self.small.path}/ballast"
        self.faults.log(f"full: {os.path.basename(self.small.path)}")
        with open(ballast, "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, max(int(self.small.free_mib() * 2**20) - LEFT_FREE, 4096))
            except OSError as error:
                if error.errno != errno.ENOSPC:  # the node was quicker: it is full
                    raise
        self.faults.rest(1, 8)
        os.remove(ballast)
        self.faults.log("there is space again")


def flip(path, draw):
    """One bit; 0 if the file is gone, or empty."""
    try:
        with open(path, "r+b") as file:
            used = len(file.read().rstrip(b"\0"))
            if used == 0:
                return 0
            place, bit = draw.randrange(used), draw.randrange(8)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1 << bit]))
            return 1
    except FileNotFoundError:
        return 0
