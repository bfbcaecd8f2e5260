"""A disk that fails under a node: the node says so and leaves, the others go on, and nothing acknowledged is lost."""
import glob
import unittest

import fault_injection
from churn import Churn, judge
from harness import PATIENT, ClusterTest, run_cli, wait_for

# What fails: the system call, on which of the node's files, and what the log must say of it.
FAULTS = (("fdatasync", "/objects/**/*.seg", "the object store failed"),
          ("pwritev", "/objects/**/*.seg", "the object store failed"),
          ("fdatasync", "/journal.db-wal", "the journal failed"),
          ("pwrite64", "/journal.db-wal", "the journal failed"))


class DiskErrors(ClusterTest):
    def test_a_node_whose_disk_fails_leaves_and_says_why(self):
        if not fault_injection.is_possible():
            self.skipTest("needs root and strace, to make system calls fail")
        cluster = self.make_cluster(3, settings=PATIENT)
        # The one whose disk fails may say 500 before it leaves.
        churn = Churn(cluster.nodes, allowed=(503, 500))
        self.addCleanup(churn.over.set)
        victim, others = cluster.nodes[1], [cluster.nodes[0], cluster.nodes[2]]
        for number, (call, files, why) in enumerate(FAULTS):
            churn.wait_for_more(50)
            fault_injection.inject(self, victim, call, glob.glob(victim.dir + files, recursive=True), "EIO")
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
