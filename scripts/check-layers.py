#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers: a file includes headers of its own rank or a lower one, and what
depends on the architecture stands in a folder of its own.

RANKS is the table of docs/devel/architecture.rst. Folders of rank 5 (devices,
CPU models, accelerators) are siblings that do not see each other at all.
Headers named *-internal.h belong to the folder they stand in.
"""
import os
import re
import subprocess
import sys

# Longest match counts; a file (without suffix) beats its folder.
RANKS = {
    "config-host": 0, "util": 0, "trace": 0,
    "qapi": 1, "qom": 1,
    "io": 2, "crypto": 2, "migration/vmstate": 2,
    "chardev": 3, "net": 3, "block": 3, "backends": 3,
    "system": 4, "hw/core": 4, "hw/pci": 4, "hw/virtio": 4, "hw/isa": 4,
    "hw/scsi": 4, "target/cpu-model": 4,
    "hw/acpi/aml": 4,
    # what boards and writers of tables put into it
    "hw/nvram/fw_cfg": 4, "hw/smbios": 4,
    # what an accelerator and a board say to each other
    "hw/intc/arm_gic": 4,
    "accel": 5, "target": 5, "hw": 5,
    "hw/virtio/virtio-balloon": 5, "hw/virtio/virtio-rng": 5,
    "hw/i386": 6, "hw/arm": 6,
    "migration": 7, "monitor": 7, "system/main": 7, "tools": 7,
}
SIBLING_RANK = 5
# The accelerator moves registers between KVM and the CPU object.
SIBLING_EXCEPTIONS = {("accel/kvm", "target/i386"), ("accel/kvm", "target/arm")}
# What is built from parts of every rank.
WITHOUT_RANK = ("tests/", "tests")
# file: {header: reason}
EXCEPTIONS = {}

# Folders that may ask what they are compiled for.
ARCH_FOLDERS = ("util/", "target/", "accel/kvm/", "include/util/",
                "include/target/")
ARCH_TEST = re.compile(r"^\s*#\s*(?:el)?if.*(?:__(?:x86_64|amd64|i386|aarch64"
                       r"|arm)__|\bTARGET_[A-Z0-9_]+\b)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def belongs(name, key):
    """A folder's file, or one of the files that share a name's beginning."""
    return name == key or name.startswith(key + "/") or (
        name.startswith(key + "-") and "/" not in name[len(key):])


def rank_of(path):
    """Rank of a header or source, and the table's name for its place."""
    name = os.path.splitext(path)[0]
    best = max((key for key in RANKS if belongs(name, key)), key=len,
               default=None)
    return RANKS.get(best)


def logical(path):
    """include/hw/pci/pci.h and hw/pci/pci.c live in the same place."""
    return path[len("include/"):] if path.startswith("include/") else path


def problem(path, header):
    """What is wrong with @path including @header, or None."""
    place = logical(path)
    folder = os.path.dirname(place)
    if "/" not in header:
        own = os.path.join(os.path.dirname(path), header)
        if os.path.exists(own) or header == "config-host.h":
            return None
        return "include \"%s\" by its path from include/" % header
    if ".." in header.split("/"):
        return "\"%s\" leaves its folder" % header
    if header.endswith("-internal.h") and os.path.dirname(header) != folder:
        return "\"%s\" is private to %s/" % (header, os.path.dirname(header))
    mine, other = rank_of(place), rank_of(header)
    if other is None:
        return "\"%s\" has no rank: add it to scripts/check-layers.py" % header
    if mine is None:
        return "no rank: add its folder to scripts/check-layers.py"
    if other > mine:
        return "rank %d includes \"%s\" of rank %d" % (mine, header, other)
    there = os.path.dirname(header)
    own = there == folder or os.path.splitext(header)[0] == folder
    if (mine == other == SIBLING_RANK and not own and
            (folder, there) not in SIBLING_EXCEPTIONS):
        return "includes \"%s\" of a sibling: meet through rank 4" % header
    return None


def main():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True,
                            stdout=subprocess.PIPE).stdout.decode().split("\n")
    bad = 0
    for path in filter(os.path.isfile, listed):
        if path.startswith(WITHOUT_RANK):
            continue
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                if ARCH_TEST.match(line) and not path.startswith(ARCH_FOLDERS):
                    print("%s:%d: depends on the architecture: choose a file "
                          "in meson" % (path, number))
                    bad += 1
                match = INCLUDE.match(line)
                if not match or match[1] in EXCEPTIONS.get(path, ()):
                    continue
                text = problem(path, match[1])
                if text:
                    print("%s:%d: %s" % (path, number, text))
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
