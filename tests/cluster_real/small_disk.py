"""A file system with an end for a node's data: a tmpfs that only this process and its children see. Needs root."""
import ctypes
import os

from network import CLONE_NEWNS, run


def own_mounts():
    """This process leaves the machine's mounts for its own; false where that is not permitted."""
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        return False
    run("mount --make-rprivate /")
    return True


class SmallDisk:
    """Mounted at `path`, which is made. Its bytes are memory."""

    def __init__(self, path, mib):
        self.path = path
        os.makedirs(path)
        run(f"mount -t tmpfs -o size={mib}m none {path}")

    def resize(self, mib):
        run(f"mount -o remount,size={mib}m {self.path}")

    def free_mib(self):
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize / 2**20

    def close(self):
        run(f"umount -l {self.path}")
