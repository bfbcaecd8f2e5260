"""What operators do to a roster while clients go on: nodes leave, come, are lost for good and replaced.

Thread:  that of Faults.
"""
import os
import shutil

from harness import wait_for

FEWEST = 4  # that are left when one is lost for good: with two copies, one more may be away
MOST = 6
REMOVE_SECONDS = 120


def empty(path):
    """A directory, that may be a mount point."""
    for name in os.listdir(path):
        inside = f"{path}/{name}"
        if os.path.isdir(inside):
            shutil.rmtree(inside)
        else:
            os.remove(inside)


class MemberFaults:
    def __init__(self, faults):
        self.faults, self.draining = faults, set()
        self.kinds = [self.drain_some, self.drain_some, self.reweight_some, self.lose_node, self.join, self.leave]

    @property
    def cluster(self):
        return self.faults.cluster

    def any_name(self):
        return self.faults.draw.choice(self.cluster.nodes).name

    def drain_some(self):
        """Or no longer."""
        name = self.any_name()
        if name in self.draining:
            if self.faults.operate("drain", name, "--cancel"):
                self.draining.discard(name)
        elif self.faults.operate("drain", name):
            self.draining.add(name)

    def reweight_some(self):
        self.faults.operate("reweight", self.any_name(), str(self.faults.draw.randint(0, 3)))

    def end_changes(self):
        for node in self.cluster.nodes:
            for change in (("drain", node.name, "--cancel"), ("reweight", node.name, "1")):
                wait_for(" ".join(change), 30, lambda c=change: self.faults.operate(*c))
        self.draining.clear()

    def join(self):
        if len(self.cluster.nodes) >= MOST:
            return
        self.faults.log("join")
        self.faults.tell("joined", [self.cluster.grow()])

    def remove(self, node):
        """It is down, and no longer needed once the others have filled up."""
        def is_removed():
            roster = self.faults.draw.choice(self.cluster.live()).cluster().get("roster", [])
            if roster and node.name not in [each["name"] for each in roster]:
                return True
            self.faults.operate("remove", node.name)
            self.faults.rest(0.3, 0.6)
            return False
        wait_for(f"{node.name} is removed", REMOVE_SECONDS, is_removed)
        self.draining.discard(node.name)
        empty(node.dir)
        for disk in node.disks:
            shutil.rmtree(disk)

    def leave(self):
        """Drained until it holds nothing that is needed, then stopped and removed."""
        nodes = self.cluster.nodes
        if len(nodes) <= FEWEST:
            return
        # One change at a time: so that what is left can take it over.
        self.end_changes()
        node = self.faults.draw.choice(nodes)
        wait_for(f"drain {node.name}", 30, lambda: self.faults.operate("drain", node.name))
        wait_for(f"{node.name} holds nothing", REMOVE_SECONDS, lambda: self.holds_nothing(node))
        self.cluster.nodes = [each for each in nodes if each is not node]
        self.faults.tell("stop", [node])
        node.stop()
        self.remove(node)

    def holds_nothing(self, node):
        shares = {each["name"]: each["buckets"] for each in node.cluster().get("roster", [])}
        return shares.get(node.name) == 0

    def lose_node(self):
        """With all that it had; another one comes in its place."""
        nodes = self.cluster.nodes
        if len(nodes) <= FEWEST:
            return
        self.end_changes()
        self.faults.wait_until_whole()
        node = self.faults.draw.choice(nodes)
        self.faults.tell("lose", [node])
        self.cluster.nodes = [each for each in nodes if each is not node]
        self.cluster.kill([node])
        self.remove(node)
        self.faults.wait_until_whole()
