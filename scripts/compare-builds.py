#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Up to rank 4 the programs of all architectures are linked from the same
sources: what depends on one begins with devices, CPUs and accelerators.

usage: compare-builds.py BUILD-DIR OTHER-DIR

Both are configured, from the same sources and with the same optional parts.
"""
import importlib.util
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "qemu-system-nemu"
NEUTRAL_RANK = 4
# file: reason
EXCEPTIONS = {
    "hw/isa/isa.c": "a bus that no Arm board has",
    "util/coroutine-aarch64.S": "switches stacks",
    "util/coroutine-x86_64.S": "switches stacks",
}
EDGE = re.compile(r"^build ([^:]+): (\S+)(.*)$")


def load_layers():
    spec = importlib.util.spec_from_file_location(
        "layers", os.path.join(HERE, "check-layers.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edges(text):
    """What ninja makes: output to (rule, inputs)."""
    found = {}
    for line in text.splitlines():
        match = EDGE.match(line)
        if match:
            inputs = [x for x in match[3].split("||")[0].split() if x != "|"]
            for output in match[1].split():
                found[output] = (match[2], inputs)
    return found


def sources(text, program=PROGRAM):
    """The C files that @program is linked from, by their paths."""
    graph, found, seen = edges(text), set(), set()
    todo = [program]
    while todo:
        name = todo.pop()
        if name in seen or name not in graph:
            continue
        seen.add(name)
        rule, inputs = graph[name]
        if rule.startswith("c_COMPILER"):
            source = os.path.normpath(inputs[0])
            found.add(source[3:] if source.startswith("../") else source)
        elif "LINKER" in rule:
            todo += inputs
    return found


def neutral(paths, rank_of):
    """Those that must not depend on the architecture."""
    return {p for p in paths if p not in EXCEPTIONS
            and (rank_of(p) or 0) <= NEUTRAL_RANK}


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def parts(build):
    """Optional parts, which the two must have alike to be compared."""
    return set(re.findall(r"^#define (CONFIG_\w+)",
                          read(build, "config-host.h"), re.M)) - {
        "CONFIG_DEBUG_QOM", "CONFIG_TEST_DEVICES"}


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: compare-builds.py BUILD-DIR OTHER-DIR")
    rank_of = load_layers().rank_of
    builds = sys.argv[1:]
    missing = [b for b in builds if read(b, "build.ninja") is None]
    if missing:
        raise SystemExit("%s is not configured" % ", ".join(missing))
    different = parts(builds[0]) ^ parts(builds[1])
    if different:
        raise SystemExit("one of %s has no %s" % (
            " and ".join(builds), ", ".join(sorted(different))))
    sets = [neutral(sources(read(b, "build.ninja")), rank_of) for b in builds]
    for mine, other, name in ((sets[0], sets[1], builds[1]),
                              (sets[1], sets[0], builds[0])):
        for path in sorted(mine - other):
            print("%s: not in %s: choose files by architecture from rank %d on"
                  % (path, name, NEUTRAL_RANK + 1))
    if not sets[0]:
        print("%s: no sources found" % builds[0])
    failed = not sets[0] or sets[0] != sets[1]
    print("%d sources up to rank %d in both" % (len(sets[0] & sets[1]),
                                                NEUTRAL_RANK))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
