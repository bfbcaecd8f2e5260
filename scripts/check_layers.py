#!/usr/bin/env python3
"""Checks the walls between layers from the #includes, and a few rules that no compiler knows.

    scripts/check_layers.py [ROOT]      prints what breaks a rule as FILE:LINE: RULE, exit 1 if anything does
    scripts/check_layers.py --self-test shows each rule a file that breaks it

src/README.md, "Layers", gives the table and the reasons.
"""
import pathlib
import re
import sys
import tempfile

# Which layers' headers a layer may include, beside its own.
LAYERS = {
    "base": [],
    "placement": ["base"],
    "wire": ["base", "placement"],
    "cluster": ["base", "placement", "wire"],
    "replication": ["base", "placement", "wire", "cluster"],
    "store": ["base", "wire"],
    "net": ["base", "wire"],
    "sim": ["base", "placement", "wire", "cluster", "replication", "store"],
    "node": ["base", "placement", "wire", "cluster", "replication", "store", "net"],
    "cli": ["base", "wire", "net", "sim"],
}
# Single headers beyond the table. The command line makes data directories, signs requests, starts the node, and looks
# into the store of one that is stopped, so it opens these doors of `node` and `store`, and no other.
EXTRA_HEADERS = {
    "cli": {"brigade/node/config.h", "brigade/node/bootstrap.h", "brigade/node/admin_auth.h", "brigade/node/serve.h",
            "brigade/node/data_lock.h", "brigade/store/file_system.h", "brigade/store/offline.h"},
}
PURE = ("placement", "wire", "cluster", "replication")
# std headers that bring threads, files, clocks, randomness or the environment. <chrono> is allowed for durations.
IMPURE_STD = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "atomic", "semaphore", "latch", "barrier", "stop_token",
    "fstream", "filesystem", "cstdio", "iostream", "random", "ctime", "cstdlib", "csignal", "coroutine",
}
# External headers by prefix: those that only some layers may use.
ALLOWED_EXTERNAL = {
    "base": ("boost/system/", "boost/assert/", "xxhash.h", "xxh_x86dispatch.h"),
    "placement": (),
    "wire": ("openssl/", "capnp/", "kj/", "proto/", "boost/system/"),
    "cluster": ("boost/unordered/", "boost/container/"),
    "replication": ("boost/unordered/", "boost/container/"),
}
IMPURE_CALLS = re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock|getenv|random_device|clock_gettime|getrandom|this_thread)\b")
CAPNP_FILES = re.compile(r"(_codec|capnp_io)\.(cc|h)$")

LINES_MAX = 450
LONG_FILES = set()  # the allow-list; it is empty, and that is the point

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MARKS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
SLEEPS = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.])sleep\(")
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|mnt)/[\w.]")
# co_await f([captures](...) -> awaitable {...}(...)): the closure dies while its frame still refers to its captures.
LAMBDA_START = re.compile(r"\[(?P<captures>[^\[\]]*)\]\s*(?:<[^>]*>\s*)?(?:\((?:[^()]|\([^()]*\))*\))?[^{};()]*\{")
TEXT_SUFFIXES = {".h", ".cc", ".md", ".txt", ".cmake", ".capnp", ".py", ".sh", ".json", ".toml", ".yml", ""}


def layer_of(path):
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "brigade") and len(parts) > 3:
        return parts[2]
    return None


def external_problem(layer, path, header):
    """Why `layer` may not include `header`, which is not ours; None if it may."""
    if layer in PURE and header in IMPURE_STD:
        return f"<{header}> in {layer}: a pure layer has no threads, files, clocks or randomness"
    is_std = "/" not in header and "." not in header
    if is_std:
        return None
    asio_like = header.startswith(("boost/asio", "boost/beast"))
    if asio_like and layer not in ("net", "node", "cli"):
        return f"<{header}> in {layer}: Asio and Beast belong to net, node and cli"
    if header.startswith(("capnp/", "kj/")) or header.endswith(".capnp.h"):
        if layer != "wire" or not CAPNP_FILES.search(path.name):
            return f"<{header}>: only wire's *_codec.cc know Cap'n Proto"
        return None
    if header.startswith("sqlite3") and layer != "store":
        return f"<{header}> in {layer}: SQLite belongs to store"
    if layer in ALLOWED_EXTERNAL and not header.startswith(ALLOWED_EXTERNAL[layer]):
        return f"<{header}> in {layer}: not among what this layer may use"
    return None


def check_includes(root, path, lines, report):
    layer = layer_of(path)
    if layer is None:
        return
    if layer not in LAYERS:
        report(path, 1, f"{layer} is no layer: add it to the table in scripts/check_layers.py and src/README.md")
        return
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        if header.startswith("brigade/"):
            other = header.split("/")[1]
            if other != layer and other not in LAYERS[layer] and header not in EXTRA_HEADERS.get(layer, ()):
                report(path, number, f"{layer} may not include {header}")
        elif quote == '"':
            generated = header.endswith(".capnp.h")
            if generated:
                problem = external_problem(layer, path, header)
                if problem:
                    report(path, number, problem)
            elif ".." in header.split("/") or not (root / path.parent / header).exists():
                report(path, number, f'"{header}" is not beside this file: use "brigade/LAYER/..." for shared headers')
        else:
            problem = external_problem(layer, path, header)
            if problem:
                report(path, number, problem)


def strip_code(text):
    """`text` with comments, strings and characters blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    pattern = r'R"([^(]*)\((?:.|\n)*?\)\1"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text)


def matching_brace(code, start):
    depth = 0
    for i in range(start, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return None


def check_coroutine_lambdas(path, code, report):
    """A lambda that captures, is a coroutine, and is called where it stands."""
    for match in LAMBDA_START.finditer(code):
        if not match.group("captures").strip():
            continue
        end = matching_brace(code, match.end() - 1)
        if end is None:
            continue
        body = code[match.end() : end]
        is_coroutine = re.search(r"\bco_(?:await|return|yield)\b", body)
        called = re.match(r"\s*\)?\s*\(", code[end + 1 :])
        # "})(" calls a lambda in parentheses; "}(" calls it as it stands; "}) (" of an outer call does not.
        closes_own_paren = code[: match.start()].rstrip().endswith("(")
        direct = re.match(r"\s*\(", code[end + 1 :])
        if is_coroutine and called and (direct or closes_own_paren):
            report(path, code.count("\n", 0, match.start()) + 1,
                   "a lambda coroutine with captures, called in place: its captures die first; pass parameters")


def check_file(root, path, report):
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    is_code = path.suffix in (".h", ".cc")
    is_test = path.parts[0] == "tests"
    this_script = path.as_posix() == "scripts/check_layers.py"
    if is_code:
        check_includes(root, path, lines, report)
        code = strip_code(text)
        check_coroutine_lambdas(path, code, report)
        if len(lines) > LINES_MAX and path.as_posix() not in LONG_FILES:
            report(path, len(lines), f"{len(lines)} lines, over {LINES_MAX}: the second subject wants a room of its own")
        for number, line in enumerate(code.splitlines(), 1):
            if is_test and SLEEPS.search(line):
                report(path, number, "a test that sleeps: wait for what it wants to see, with a deadline")
            if layer_of(path) in PURE and IMPURE_CALLS.search(line):
                report(path, number, f"{IMPURE_CALLS.search(line).group(0)} in a pure layer: time and randomness are handed in")
    if this_script:
        return
    for number, line in enumerate(lines, 1):
        if MARKS.search(line):
            report(path, number, f"{MARKS.search(line).group(0)}: finish it, or write it into an issue")
        if MACHINE_PATHS.search(line):
            report(path, number, f"a path of one machine: {MACHINE_PATHS.search(line).group(0)}...")


def files_of(root):
    for top in ("include", "src", "tests", "bench", "proto", "scripts", ".ci"):
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts:
                yield path.relative_to(root)
    for path in sorted(root.glob("*")):
        if path.is_file() and path.name != "LICENSE" and path.suffix in TEXT_SUFFIXES:
            yield path.relative_to(root)


def check_tree(root):
    problems = []
    for path in files_of(root):
        check_file(root, path, lambda where, line, what: problems.append(f"{where.as_posix()}:{line}: {what}"))
    return problems


BAD_FILES = {
    "src/cluster/a.cc": ('#include "brigade/net/http.h"\n', "cluster may not include brigade/net/http.h"),
    "src/base/a.cc": ('#include "brigade/wire/auth.h"\n', "base may not include brigade/wire/auth.h"),
    "include/brigade/store/a.h": ('#include "brigade/cluster/log.h"\n', "store may not include brigade/cluster/log.h"),
    "src/node/a.cc": ('#include "brigade/cli/x.h"\n', "node may not include brigade/cli/x.h"),
    "src/cli/a.cc": ('#include "brigade/node/control.h"\n', "cli may not include brigade/node/control.h"),
    "src/cli/b.cc": ('#include "brigade/store/journal.h"\n', "cli may not include brigade/store/journal.h"),
    "src/net/a.cc": ('#include "../node/x.h"\n', "is not beside this file"),
    "src/placement/a.cc": ("#include <thread>\n", "a pure layer has no threads"),
    "src/replication/a.cc": ("#include <boost/asio/post.hpp>\n", "Asio and Beast belong to"),
    "src/store/a.cc": ("#include <boost/beast/http.hpp>\n", "Asio and Beast belong to"),
    "src/wire/message.cc": ("#include <capnp/message.h>\n", "only wire's *_codec.cc"),
    "src/node/b.cc": ("#include <sqlite3.h>\n", "SQLite belongs to store"),
    "src/cluster/b.cc": ("auto t = std::chrono::steady_clock::now();\n", "time and randomness are handed in"),
    "src/rubbish/a.cc": ("int x;\n", "is no layer"),
    "src/node/c.cc": ("void f() { co_spawn(io, [this]() -> awaitable<void> { co_await g(); }(), detached); }\n", "called in place"),
    "src/node/d.cc": ("auto r = co_await ([&x] { co_return x; })();\n", "called in place"),
    "src/node/e.cc": ("int x;\n" * (LINES_MAX + 1), "wants a room of its own"),
    "src/node/f.cc": ("// TO" + "DO later\n", "finish it"),
    "tests/net/a.cc": ("std::this_thread::sleep_for(1s);\n", "a test that sleeps"),
    "scripts/x.sh": ("cd /ro" + "ot/brigade\n", "a path of one machine"),
}
GOOD_FILES = {
    "src/cluster/good.cc": '#include <vector>\n#include "brigade/placement/planner.h"\n// not in_place; sleep_for is only a word\n',
    "src/wire/message_codec.cc": '#include <capnp/message.h>\n#include "control.capnp.h"\n',
    "src/node/good.cc": "auto a = [this] { return 1; }();\nco_spawn(io, [](int x) -> awaitable<void> { co_await g(x); }(1), detached);\n"
                        "auto h = [this](R& r) { co_await go(r); };\nstart(io, [this] { co_await go(); });\n",
    "src/cli/good.cc": '#include "brigade/node/serve.h"\n#include "brigade/net/http_client.h"\n',
    "tests/net/good.cc": 'const char* s = "sleep_for";  // usleep\n',
}


def self_test():
    failures = []
    for name, (text, expected) in BAD_FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True)
            file.write_text(text)
            problems = check_tree(pathlib.Path(folder))
            if not any(expected in problem for problem in problems):
                failures.append(f"{name}: nobody said '{expected}', only {problems}")
    for name, text in GOOD_FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True)
            file.write_text(text)
            problems = check_tree(pathlib.Path(folder))
            if problems:
                failures.append(f"{name}: {problems}")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        problems = self_test()
    else:
        root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
        problems = check_tree(root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
