"""A disk that fails under a node: the node says so and leaves, the others go on, and nothing acknowledged is lost."""
import glob
import os
import shutil
import subprocess
import unittest

from churn import Churn, judge
from harness import PATIENT, ClusterTest, run_cli, wait_for

# What fails: the system call, on which of the node's files, and what the log must say of it.
FAULTS = (("fdatasync", "/objects/**/*.seg", "the object store failed"),
          ("pwritev", "/objects/**/*.seg", "the object store failed"),
          ("fdatasync", "/journal.db-wal", "the journal failed"),
          ("pwrite64", "/journal.db-wal", "the journal failed"))


class DiskErrors(ClusterTest):
    def inject(self, node, call, files, error):
        """From now on every such call on these files fails. Ends with the node."""
        found = glob.glob(node.dir + files, recursive=True)
        assert found, f"{node.name} has no {files}"
        paths = [word for path in found for word in ("-P", path)]
        pid = node.process.pid
        strace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), *paths,
                                   "-e", f"trace={call}", "-e", f"inject={call}:error={error}"])
        self.addCleanup(strace.wait)
        self.addCleanup(strace.kill)

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

    def test_a_node_whose_disk_fails_leaves_and_says_why(self):
        if os.geteuid() != 0 or not shutil.which("strace"):
            self.skipTest("needs root and strace, to make system calls fail")
        cluster = self.make_cluster(3, settings=PATIENT)
        # The one whose disk fails may say 500 before it leaves.
        churn = Churn(cluster.nodes, allowed=(503, 500))
        self.addCleanup(churn.over.set)
        victim, others = cluster.nodes[1], [cluster.nodes[0], cluster.nodes[2]]
        for number, (call, files, why) in enumerate(FAULTS):
            churn.wait_for_more(50)
            self.inject(victim, call, files, "EIO")
            # Something for the journal to write.
            changed = run_cli("settings", f"grace={number + 5}min", "--data", others[0].dir, "--node", others[0].url)
            self.assertEqual(changed.returncode, 0, changed.stderr)
            wait_for(f"the node leaves after EIO from {call} on {files}", 30, lambda: not victim.is_running())
            self.assertEqual(victim.process.returncode, 1)
            with open(victim.log, errors="replace") as log:
                last = [line for line in log if "this node leaves" in line][-1]
            self.assertIn(why, last)
            churn.wait_for_more(100)
            victim.start()
            victim.wait_ready()
            wait_for("all buckets serving", 120, cluster.is_settled)
        churn.stop()
        judge(cluster.nodes, churn)
        self.assertTrue(all(node.is_running() for node in others))
        cluster.kill(cluster.nodes)
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        judge(cluster.nodes, churn)


if __name__ == "__main__":
    unittest.main()
