#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS: each tracked file has an entry, each entry has files."""
import re
import subprocess
import sys

LIST = "MAINTAINERS"


def to_regex(pattern):
    """'util/' is the folder and all below it; * does not cross a slash."""
    if pattern.endswith("/"):
        pattern += "**"
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(x, re.escape(x))
                              for x in parts) + r"\Z")


def main():
    listed = subprocess.run(["git", "ls-files"], check=True,
                            stdout=subprocess.PIPE).stdout.decode().split("\n")
    files = [x for x in listed if x]
    covered = set()
    bad = 0
    with open(LIST, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = re.match(r"F:\s+(\S+)$", line)
            if not match:
                continue
            regex = to_regex(match[1])
            found = [x for x in files if regex.match(x)]
            if not found:
                print("%s:%d: no file is '%s'" % (LIST, number, match[1]))
                bad += 1
            covered.update(found)
    for path in files:
        if path not in covered:
            print("%s:1: no entry in %s" % (path, LIST))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
