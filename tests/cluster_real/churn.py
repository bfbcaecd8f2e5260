"""PUTs, overwrites and deletes of known outcome, and the judge of what is there afterwards.

Concept: each writer has keys of its own and one request under way, so what a key may hold follows from the answers
         alone: one version once the last answer was definite, two (before, after) once it was open. A key with an open
         outcome is left alone from then on. A version is (number, size), None: deleted or never there; its bytes
         follow from key and number.
Thread:  writers and one reader of its own; the rest from the thread that made it.
Source:  testing "Judge of durable writes".
"""
import http.client
import json
import random
import threading

from harness import SEED, content, wait_for

SMALL = (0, 1, 700, 4095, 4096, 4097, 20_000, 65_536)
LARGE = 1_300_000  # has a file of its own

# After these answers, says the README, the write has not happened.
NOTHING_HAPPENED = ("no-quorum", "unavailable", "overloaded", "no-space")


def body_of(key, version):
    number, size = version
    return content(f"{key}#{number}", size)


class Churn:
    """Invariant: `may_hold[key]` is all that the key may be; one element unless an outcome is open.
    `wrong` holds what no answer may ever be: wrong bytes with a 200, a status that is neither yes, no nor `allowed`."""

    def __init__(self, nodes, writers=4, prefix="churn", allowed=(503,), pause=0.01):
        self.nodes, self.prefix, self.allowed, self.pause = list(nodes), prefix, allowed, pause
        self.may_hold, self.tried, self.wrong, self.answers, self.story = {}, {}, [], {}, {}
        self.acknowledged = 0
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(writers)]
        self.threads.append(threading.Thread(target=self.read))
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        draw, mine, count = random.Random(f"{SEED}:{self.prefix}:{writer}"), [], 0
        while not self.over.wait(self.pause):
            count += 1
            fresh = len(mine) < 5 or draw.random() < 0.4
            key = f"{self.prefix}/{writer}/{count}" if fresh else draw.choice(mine)
            (before,) = self.may_hold.get(key, {None})
            deletes = before is not None and draw.random() < 0.25
            after = None if deletes else (count, LARGE if draw.random() < 0.03 else draw.choice(SMALL))
            if fresh:
                mine.append(key)
            if not self.change(self.nodes[(writer + count) % len(self.nodes)], key, before, after):
                mine.remove(key)

    def change(self, node, key, before, after):
        """One request; false if its outcome is open."""
        with self.lock:
            self.may_hold[key] = {before, after}
            self.tried.setdefault(key, set()).add(after)
        try:
            answer = node.request("DELETE" if after is None else "PUT", f"/o/{key}",
                                  None if after is None else body_of(key, after), timeout=15)
            status = answer.status
            happened = answer.problem() not in NOTHING_HAPPENED
        except ConnectionRefusedError:
            answer, status, happened = None, 0, False
        except (OSError, http.client.HTTPException):
            answer, status, happened = None, 0, True
        with self.lock:
            what = answer.problem() if answer and status >= 400 else status
            self.answers[what] = self.answers.get(what, 0) + 1
            self.story.setdefault(key, []).append(f"{after} at {node.name}: {what}")
            if not happened:
                self.may_hold[key] = {before}
                return True
            if status in ((204,) if after is None else (200, 201)):
                self.may_hold[key] = {after}
                self.acknowledged += 1
                return True
            if status not in (0, *self.allowed):
                self.wrong.append(f"{key} {before} to {after} at {node.name}: {answer!r}")
        return False

    def read(self):
        """Whatever is under way, a 200 has bytes that somebody sent under this key."""
        draw = random.Random(f"{SEED}:{self.prefix}:reader")
        while not self.over.wait(self.pause):
            with self.lock:
                keys = list(self.tried)
            if not keys:
                continue
            key, node = draw.choice(keys), draw.choice(self.nodes)
            try:
                answer = node.request("GET", f"/o/{key}", timeout=15)
            except (OSError, http.client.HTTPException):
                continue
            with self.lock:
                tried = set(self.tried[key]) - {None}
            if answer.status == 200 and not any(answer.body == body_of(key, version) for version in tried):
                self.wrong.append(f"{key} at {node.name}: {len(answer.body)} bytes that nobody sent")
            elif answer.status not in (200, 404, *self.allowed):
                self.wrong.append(f"{key} at {node.name}: {answer!r}")

    def wait_for_more(self, count, seconds=60):
        goal = self.acknowledged + count
        wait_for(f"{count} more acknowledged writes", seconds, lambda: self.acknowledged >= goal)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.wrong, "\n".join(["answers that may not be:", *self.wrong[:10]])


AGREE_SECONDS = 30  # siblings compare every ten


def found_at(node, key, versions):
    """The one of `versions` that the node answers, or what is wrong with its answer, as text."""
    try:
        answer = node.patient("GET", f"/o/{key}")
    except AssertionError as error:
        return str(error)
    if answer.status == 404:
        return None if None in versions else f"{key} at {node.name}: 404 for {versions}"
    for version in versions - {None}:
        if answer.status == 200 and answer.body == body_of(key, version):
            return version
    return f"{key} at {node.name}: {answer!r} for {versions}"


def judge(nodes, churn):
    """Every key is one of what it may hold, the same at every node; returns how many outcomes were open."""
    may_hold = churn.may_hold
    found = {node.name: {} for node in nodes}

    def read(node):
        for key, versions in may_hold.items():
            found[node.name][key] = found_at(node, key, versions)

    readers = [threading.Thread(target=read, args=(node,)) for node in nodes]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    wrong = [f"{answer}, tried {churn.story[key]}" for one in found.values() for key, answer in one.items()
             if isinstance(answer, str)]
    assert not wrong, "\n".join(["missing or wrong:", *wrong[:20]])
    differ = {key for key in may_hold if len({one[key] for one in found.values()}) > 1}
    # A write that nobody was told of may be at one sibling and not at the other, until they compare what they have.
    known = {key: may_hold[key] for key in differ if len(may_hold[key]) == 1}
    assert not known, f"nodes differ: {known}, located {locate(nodes, known)}"

    def agree():
        return all(len({found_at(node, key, may_hold[key]) for node in nodes}) == 1 for key in differ)
    try:
        wait_for("all nodes say the same of writes of open outcome", AGREE_SECONDS, agree)
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(differ)[:5]}, located {locate(nodes, differ)}") from error
    return sum(len(versions) > 1 for versions in may_hold.values())


def locate(nodes, keys):
    return [json.dumps(nodes[0].locate(key)) for key in list(keys)[:2]]
