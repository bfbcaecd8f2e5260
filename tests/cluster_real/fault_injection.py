"""System calls of a running node that fail: strace does it."""
import glob
import os
import shutil
import subprocess

from harness import wait_for


def is_possible():
    return os.geteuid() == 0 and shutil.which("strace") is not None


def inject(test, node, call, paths, error):
    """From now on every such call on these files fails. Ends with the node, or the test."""
    assert paths
    pid = node.process.pid
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid),
                               *(word for path in paths for word in ("-P", path)),
                               "-e", f"trace={call}", "-e", f"inject={call}:error={error}"])
    test.addCleanup(strace.wait)
    test.addCleanup(strace.kill)

    def attached():
        assert strace.poll() is None or not node.is_running(), "strace can't attach"
        tracers = []
        for task in glob.glob(f"/proc/{pid}/task/*/status"):
            try:
                with open(task) as status:
                    tracers.append("TracerPid:\t0\n" not in status.read())
            except OSError:
                pass
        return all(tracers)
    wait_for("strace is attached", 30, attached)
    return strace
