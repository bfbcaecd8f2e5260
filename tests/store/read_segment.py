#!/usr/bin/env python3
"""Reads a segment of the store from what proto/README.md, "Segments", says, and nothing else.

    read_segment.py SEGMENT            one line for each record
    read_segment.py --expect N SEGMENT fails unless there are N whole records of objects, all checksums matching
"""
import ctypes
import ctypes.util
import struct
import sys

xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]

KINDS = {1: "object", 2: "large", 3: "tombstone", 4: "forget", 5: "lost", 6: "void"}
UNIT = 64


def checksum(data, seed=0):
    return xxhash.XXH3_64bits_withSeed(bytes(data), len(data), seed)


def round_up(size):
    return (size + UNIT - 1) // UNIT * UNIT


def segment_header(data):
    """The first of the two copies that is good."""
    for at in (0, 2048):
        fields, (stored,) = data[at:at + 48], struct.unpack_from("<Q", data, at + 48)
        if fields[:8] == b"BRGSEG\r\n" and stored == checksum(fields):
            version, kind, serial, salt, size = struct.unpack_from("<IB3xQQQ", fields, 8)
            if version != 1:
                sys.exit(f"format version {version} is unknown")
            return {"kind": kind, "serial": serial, "salt": salt, "size": size}
    sys.exit("no good header")


def record_at(data, at, head):
    """The record that starts at `at`; None if none does."""
    if data[at:at + 4] != b"BRec":
        return None
    version, length, serial, lsn, high, low, revision, size, body_sum = struct.unpack_from("<HHQQQQQQQ", data, at + 4)
    if version != 1 or serial != head["serial"]:
        return None
    if struct.unpack_from("<Q", data, at + length)[0] != checksum(data[at:at + length], head["salt"]):
        return None
    modified, written, expires, aux, batch, kind, level, flags, key_bytes, type_bytes, user_bytes = \
        struct.unpack_from("<qqqQIBBBxHHH", data, at + 96)
    text = data[at + 144:at + length]
    body_at = at + round_up(length + 8)
    body_bytes = size if kind in (1, 6) else 0
    end = body_at + round_up(body_bytes) + UNIT
    body = data[body_at:body_at + body_bytes]
    if kind == 1 and checksum(body) != body_sum:
        sys.exit(f"offset {at}: the body does not match its checksum")
    footer = data[end - UNIT:end]
    if footer[:4] != b"BRft" or struct.unpack_from("<Q", footer, 56)[0] != checksum(footer[:56], head["salt"]):
        sys.exit(f"offset {at}: no footer")
    f_kind, f_level, f_head, f_serial, f_lsn, f_high, f_low, f_revision, f_units = struct.unpack_from("<BBHQQQQQI", footer, 4)
    if (f_kind, f_level, f_serial, f_lsn, f_high, f_low, f_revision) != (kind, level, serial, lsn, high, low, revision) \
            or f_units * UNIT != end - at or f_head * UNIT != body_at - at:
        sys.exit(f"offset {at}: the footer says something else")
    return {"kind": KINDS[kind], "lsn": lsn, "id": f"{high:016x}{low:016x}", "revision": revision, "level": level,
            "size": size, "key": text[:key_bytes].decode(), "type": text[key_bytes:key_bytes + type_bytes].decode(),
            "user": text[key_bytes + type_bytes:].decode(), "modified": modified, "written": written,
            "expires": expires, "copy": flags & 1, "aux": aux, "batch": batch * UNIT, "end": end}


def main(arguments):
    expected = int(arguments[arguments.index("--expect") + 1]) if "--expect" in arguments else None
    with open(arguments[-1], "rb") as file:
        data = file.read()
    head = segment_header(data)
    print(f"segment serial={head['serial']} kind={head['kind']} bytes={head['size']}")
    at, objects = 4096, 0
    while at + 256 <= len(data):
        record = record_at(data, at, head)
        if record is None:
            break
        print(at, *(f"{name}={value}" for name, value in record.items() if name != "end"))
        objects += record["kind"] == "object"
        at = record["end"]
    print(f"{objects} objects, the next record would start at {at}")
    if expected is not None and objects != expected:
        sys.exit(f"{expected} objects were expected")


if __name__ == "__main__":
    main(sys.argv[1:])
