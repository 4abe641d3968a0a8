#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every tracked text file carries the SPDX line among its first five."""
import os
import subprocess
import sys

WANTED = b"SPDX-License-Identifier: GPL-2.0-or-later"
# No place for a comment, or not ours to head.
EXEMPT_NAMES = {"LICENSE", ".gitignore", ".gitattributes", ".clang-format"}
EXEMPT_SUFFIXES = (".bin", ".json.in", ".jsonl", ".dsl", ".out", ".png")
EXEMPT_FOLDERS = ("tests/data/", "tests/fuzz/corpus/")


def is_exempt(path: str) -> bool:
    return (os.path.basename(path) in EXEMPT_NAMES or
            path.endswith(EXEMPT_SUFFIXES) or
            path.startswith(EXEMPT_FOLDERS))


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z"], check=True,
                            stdout=subprocess.PIPE).stdout
    bad = 0
    for path in listed.decode().split("\0"):
        if not path or is_exempt(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as source:
            head = b"".join(source.readlines(4096)[:5])
        if WANTED not in head:
            print("%s:1: no line '%s'" % (path, WANTED.decode()))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
