"""What clients asked and were told, and the judge of it: a register with unique values for each key.

Concept: an operation takes effect at some moment between its begin and its end; one whose outcome is open, at any moment
         after its begin, or never. A value's zone reaches from the first end to the last begin of all that wrote or read
         it: it was there all that time (a forward zone), or for a moment within it (a backward one). The history is in
         order if no two forward zones overlap and none holds a backward zone: Gibbons and Korach, "Testing shared
         memories" (1997). A delete writes a value that nobody reads; a 404 is judged by the zones around it.
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


class Zone:
    """Of one value: [low, high], and whether it was there all that time."""

    def __init__(self, name, ends, begins):
        first_end, last_begin = min(ends), max(begins)
        self.name, self.forward = name, first_end < last_begin
        self.low, self.high = min(first_end, last_begin), max(first_end, last_begin)

    def __repr__(self):
        return f"{self.name} from {self.low:.3f} to {self.high:.3f}"


def judge_key(operations):
    puts = {each.value: each for each in operations if each.kind == PUT}
    reads = collections.defaultdict(list)
    for each in operations:
        if each.kind == GET and each.value is not ABSENT:
            reads[each.value].append(each)
    wrong = []
    zones = []
    for value, found in reads.items():
        put = puts.get(value)
        if put is None or put.outcome == NOTHING:
            wrong.append(f"{found[0]} is what nobody wrote")
        elif min(each.ended for each in found) < put.began:
            wrong.append(f"{found[0]} came before {put}")
    for value, put in puts.items():
        seen = reads.get(value, [])
        if put.outcome == NOTHING or (put.outcome == OPEN and not seen):
            continue
        ends = [each.ended for each in seen] + ([put.ended] if put.outcome == DONE else [])
        zones.append(Zone(f"value {value}", ends, [put.began, *(each.began for each in seen)]))
    deletes = [each for each in operations if each.kind == DELETE and each.outcome != NOTHING]
    moments = [Zone(f"delete at {each.node}", [each.ended], [each.began]) for each in deletes if each.outcome == DONE]
    wrong += judge_zones(zones, moments)
    absences = [each for each in operations if each.kind == GET and each.value is ABSENT]
    return wrong + judge_absences(absences, zones, puts, deletes)


def judge_zones(zones, moments):
    wrong = []
    forward = sorted((zone for zone in zones if zone.forward), key=lambda zone: zone.low)
    last = None
    for zone in forward:
        if last is not None and zone.low < last.high:
            wrong.append(f"{last} and {zone} were there at the same time")
        if last is None or zone.high > last.high:
            last = zone
    for short in [zone for zone in zones if not zone.forward] + moments:
        for zone in forward:
            if zone.low < short.low and short.high < zone.high:
                wrong.append(f"{zone} outlived {short}")
    return wrong


def judge_absences(absences, zones, puts, deletes):
    """A 404 within a value's forward zone, or after a write that no delete can have followed."""
    wrong = []
    for absence in absences:
        for zone in zones:
            if zone.forward and zone.low < absence.began and absence.ended < zone.high:
                wrong.append(f"{absence} within {zone}")
        for zone in zones:
            put = puts[int(zone.name.split()[1])]
            effect = zone.low if zone.forward else zone.high
            if effect >= absence.began:
                continue
            can_follow = any(each.began < absence.ended and (each.outcome == OPEN or each.ended > put.began)
                             for each in deletes)
            if not can_follow:
                wrong.append(f"{absence} after {put}, and nobody had deleted it")
    return wrong
