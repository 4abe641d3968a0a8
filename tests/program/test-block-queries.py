#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The members that queries of disks have: block-keys.txt has those of QEMU 7.2
for the same disk."""
import os
import sys

from program import Program, check, main, need, new_qcow2, test

MIB = 1 << 20
KEYS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "block-keys.txt")
QUERIES = (("query-block", {}), ("query-named-block-nodes", {}),
           ("query-blockstats", {}),
           ("query-blockstats", {"query-nodes": True}))
# Newer than the program that the keys are from.
NEWER = ("zone_append",)
DISK = ["-drive", "file=top.qcow2,if=none,id=d0,throttling.iops-total=100,"
        "werror=stop,rerror=report,discard=unmap,detect-zeroes=on,"
        "throttling.group=g", "-device", "virtio-blk-pci,drive=d0,id=v0"]


def keys(value, path=""):
    if isinstance(value, dict):
        for name, member in value.items():
            yield from keys(member, path + "." + name)
    elif isinstance(value, list):
        for member in value:
            yield from keys(member, path + "[]")
        if not value:
            yield path + "[]"
    else:
        yield path + " " + type(value).__name__


def shown(program):
    lines = set()
    for command, arguments in QUERIES:
        name = command + (" of nodes" if arguments else "")
        for key in keys(program.get(command, arguments)):
            if not any(word in key for word in NEWER):
                lines.add("%s: %s" % (name, key))
    return lines


def images():
    new_qcow2("base.qcow2", MIB)
    new_qcow2("top.qcow2", MIB, b"base.qcow2")


@test
def members_as_recorded():
    need("CONFIG_QCOW2")
    images()
    with open(KEYS, encoding="ascii") as f:
        recorded = {line.rstrip("\n") for line in f if line[0] != "#"}
    with Program(["-nodefaults", "-M", "virt", "-accel", "qtest", *DISK]) as p:
        ours = shown(p)
    check(ours == recorded, "missing:", sorted(recorded - ours), "more:",
          sorted(ours - recorded))


if __name__ == "__main__":
    sys.exit(main())
