"""Nodes with several disks: one that fails takes its buckets down, not the node; one that is not there is not empty."""
import glob
import os
import shutil
import unittest

import fault_injection
from churn import Churn, judge
from harness import PATIENT, ClusterTest, figure, wait_for


class Disks(ClusterTest):
    def disks_of(self, node):
        return {disk["path"]: disk for disk in node.cluster()["disks"]}

    def log_of(self, node):
        with open(node.log, errors="replace") as log:
            return log.read()

    def register_of(self, node):
        with open(f"{node.dir}/disks.toml") as register:
            return register.read()

    def refuses(self, node, *words):
        """To start; and says so."""
        self.refuses_with(node, (), *words)

    def refuses_with(self, node, options, *words):
        at = os.path.getsize(node.log)
        node.start(*options)
        wait_for("the node refuses", 30, lambda: not node.is_running())
        self.assertEqual(node.process.returncode, 1)
        with open(node.log, errors="replace") as log:
            log.seek(at)
            said = log.read()
        for word in words:
            self.assertIn(word, said)

    def test_a_disk_that_fails_takes_its_buckets_down_and_not_the_node(self):
        if not fault_injection.is_possible():
            self.skipTest("needs root and strace, to make system calls fail")
        cluster = self.make_cluster(3, settings=PATIENT, disks=2)
        churn = Churn(cluster.nodes, allowed=(503, 500))
        self.addCleanup(churn.over.set)
        churn.wait_for_more(300)
        victim = cluster.nodes[1]
        counts = {path: disk["objects"] for path, disk in self.disks_of(victim).items()}
        self.assertEqual(len(counts), 3)
        self.assertTrue(all(counts.values()), counts)

        bad, good = victim.disks
        strace = fault_injection.inject(self, victim, "fdatasync", glob.glob(f"{bad}/objects/segments/*.seg"), "EIO")
        wait_for("the disk fails", 30, lambda: "disk failed path=" + bad in self.log_of(victim))
        strace.kill()
        churn.wait_for_more(100)
        wait_for("all buckets serving", 120, cluster.is_settled)
        victim.check_running()
        self.assertEqual(self.disks_of(victim)[bad]["state"], "failed")
        churn.wait_for_more(100)
        churn.stop()
        judge(cluster.nodes, churn)

        # It was given up: with the next start it is left out, though it could be read.
        cluster.kill([victim])
        victim.start()
        victim.wait_ready()
        self.assertNotIn(bad, self.disks_of(victim))
        self.assertIn("was given up and is not used", self.log_of(victim))
        # A new one in its place gets its share of what comes.
        self.assertEqual(victim.stop(), 0)
        shutil.rmtree(bad)
        os.mkdir(bad)
        victim.start()
        victim.wait_ready()
        self.assertIn(bad, self.disks_of(victim))
        later = Churn(cluster.nodes, prefix="later")
        self.addCleanup(later.over.set)
        later.wait_for_more(200)
        later.stop()
        wait_for("all buckets serving", 120, cluster.is_settled)
        cluster.kill(cluster.nodes)
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        judge(cluster.nodes, churn)
        judge(cluster.nodes, later)
        figure("disk_objects", {os.path.basename(path): disk["objects"] for path, disk in self.disks_of(victim).items()})

    def test_a_disk_that_is_not_there_is_not_taken_for_empty(self):
        cluster = self.make_cluster(3, settings=PATIENT, disks=2)
        churn = Churn(cluster.nodes)
        self.addCleanup(churn.over.set)
        churn.wait_for_more(300)
        victim = cluster.nodes[1]
        self.assertEqual(victim.stop(), 0)
        away, kept = victim.disks
        os.rename(away, away + ".away")
        self.refuses(victim, f"the disk {away} is not there", f"--give-up {away}")
        os.mkdir(away)  # as an empty mount point
        self.refuses(victim, f"the disk {away} is not there", "mount it")
        shutil.copytree(kept, away, dirs_exist_ok=True)
        self.refuses(victim, "another disk than before")
        shutil.rmtree(away)
        # The folder of the objects alone: a disk of its own may be mounted there.
        for path in (victim.dir, kept):
            os.rename(f"{path}/objects", f"{path}/away")
            os.rename(away + ".away", away)
            self.refuses(victim, f"the objects that were in {path}/objects are not there")
            os.rename(away, away + ".away")
            os.rename(f"{path}/away", f"{path}/objects")
        # Mounted again. What is there is not given up by mistake.
        os.rename(away + ".away", away)
        self.refuses_with(victim, ("--give-up", away), f"{away} is there and can be read, so it is not given up")
        victim.start()
        victim.wait_ready()
        churn.wait_for_more(100)
        # Lost for good: killed before all that was lost has been said to be so, too.
        cluster.kill([victim])
        shutil.rmtree(away)
        victim.start("--give-up", away)
        wait_for("it was given up", 30, lambda: "given_up = true" in self.register_of(victim))
        cluster.kill([victim])
        victim.start()
        victim.wait_ready()
        wait_for("all buckets serving", 120, cluster.is_settled)
        wait_for("the node knows", 30, lambda: "open = false" in self.register_of(victim))
        churn.stop()
        judge(cluster.nodes, churn)
        # What it says to hold it does hold.
        wait_for("all buckets serving", 120, cluster.is_settled)
        cluster.kill([cluster.nodes[0]])
        judge(cluster.live(), churn)


if __name__ == "__main__":
    unittest.main()
