"""What clients asked and were told, and the judge of it, for each key.

Concept: an operation takes effect at some moment between its begin and its end; one whose outcome is open, at any moment
         after its begin, or never. What design section 5 promises is judged: after a write was acknowledged, every read
         returns it or something later, and a 404 is said only of what is not there. What was read before it was
         acknowledged may be gone again: whoever wrote it has not been told that it is there.
         One write is surely later than another if that had been acknowledged, or read, before this one began. Of two
         that were under way together, readers must agree which is the later, once both are acknowledged.
Source:  design section 5; Gibbons and Korach, "Testing shared memories" (1997), for values that tell their write.
Thread:  any may add; judge() when all have ended.
"""
import collections
import threading

PUT, DELETE, GET = "PUT", "DELETE", "GET"
DONE, OPEN, NOTHING = "done", "open", "nothing"  # what is known of a write's outcome
ABSENT = None


class Operation:
    """`value`: what a PUT wrote or a GET read, ABSENT for a 404. Times are seconds of one clock."""

    def __init__(self, kind, key, value, began, ended, outcome, node, revision=""):
        self.kind, self.key, self.value, self.node, self.revision = kind, key, value, node, revision
        self.began, self.ended, self.outcome = began, ended, outcome

    def __repr__(self):
        return f"{self.began:.3f}-{self.ended:.3f} {self.kind} {self.key} {self.value} {self.outcome} at {self.node} {self.revision}"


class History:
    def __init__(self):
        self.operations, self.lock = [], threading.Lock()

    def add(self, *fields):
        with self.lock:
            self.operations.append(Operation(*fields))

    def judge(self):
        """Lines that say what can't be; empty if all is in order."""
        by_key = collections.defaultdict(list)
        for operation in self.operations:
            by_key[operation.key].append(operation)
        return [f"{key}: {wrong}" for key, operations in sorted(by_key.items()) for wrong in judge_key(operations)]


def judge_key(operations):
    puts = {each.value: each for each in operations if each.kind == PUT}
    deletes = [each for each in operations if each.kind == DELETE and each.outcome != NOTHING]
    reads = collections.defaultdict(list)
    for each in operations:
        if each.kind == GET and each.value is not ABSENT:
            reads[each.value].append(each)
    wrong = []
    for value, found in reads.items():
        put = puts.get(value)
        if put is None or put.outcome == NOTHING:
            wrong.append(f"{found[0]} is what nobody wrote")
        elif min(each.ended for each in found) < put.began:
            wrong.append(f"{found[0]} came before {put}")
    acknowledged = [each for each in [*puts.values(), *deletes] if each.outcome == DONE]
    wrong += judge_what_came_back(reads, puts, acknowledged)
    wrong += judge_order(reads, puts)
    absences = [each for each in operations if each.kind == GET and each.value is ABSENT]
    return wrong + judge_absences(absences, puts, deletes)


def judge_what_came_back(reads, puts, acknowledged):
    """A value that is read after an acknowledged write that is surely later."""
    wrong = []
    for value, found in reads.items():
        put = puts.get(value)
        done = [put.ended] if put is not None and put.outcome == DONE else []
        known = min([each.ended for each in found] + done)
        last = max(found, key=lambda each: each.began)
        for each in acknowledged:
            if each is not put and known < each.began and each.ended < last.began:
                wrong.append(f"{last} came after {each}, which began after that value was there at {known:.3f}")
    return wrong


def judge_order(reads, puts):
    """Two values, each of them read after both were acknowledged."""
    done = {value: found for value, found in reads.items() if value in puts and puts[value].outcome == DONE}
    wrong = []
    for value, found in done.items():
        for other, others in done.items():
            since = max(puts[value].ended, puts[other].ended)
            late = [each for each in found if each.began > since]
            if value < other and late and any(each.began > since for each in others):
                wrong.append(f"{late[0]}, and value {other} was read, too, after both were acknowledged")
    return wrong


def judge_absences(absences, puts, deletes):
    """A 404 after an acknowledged write that no delete can have followed."""
    wrong = []
    for absence in absences:
        for put in puts.values():
            if put.outcome != DONE or put.ended >= absence.began:
                continue
            can_follow = any(each.began < absence.ended and (each.outcome == OPEN or each.ended > put.began)
                             for each in deletes)
            if not can_follow:
                wrong.append(f"{absence} after {put}, and nobody had deleted it")
    return wrong
