"""Five nodes, each in a network namespace of its own where that is permitted, under all kinds of faults.

In the environment: BRIGADE_NEMESIS_SECONDS (180), BRIGADE_SEED. scripts/nemesis sets both.
"""
import os
import unittest

from harness import SEED, ClusterTest
from member_faults import MOST
from nemesis import Nemesis, say_what_is_missing
from network import Network, in_namespace, own_namespace
from small_disk import SmallDisk

SMALL_MIB = 1000


class NemesisTest(ClusterTest):
    def test_what_clients_are_told_stays_true(self):
        network = small = None
        if own_namespace():
            network = Network(MOST)
            network.arm()
            small = SmallDisk(f"{self.root}/n5", SMALL_MIB)
            self.addCleanup(small.close)
        say_what_is_missing(network)
        place = {"place": in_namespace} if network else {}
        cluster = self.make_cluster(5, settings=("grace=6s", "retention=20s"), disks=1, **place)
        Nemesis(self, cluster, network, small, SEED).run(int(os.environ.get("BRIGADE_NEMESIS_SECONDS", "180")))


if __name__ == "__main__":
    unittest.main()
