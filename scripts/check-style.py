#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run every style rule: each scripts/check-*.py and check-*.sh is one.

A rule prints what it found as path:line: text and exits non-zero.
"""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> int:
    failed = []
    rules = sorted(glob.glob(os.path.join(HERE, "check-*.py")) +
                   glob.glob(os.path.join(HERE, "check-*.sh")))
    rules.remove(os.path.abspath(__file__))
    for path in rules:
        name = os.path.basename(path)
        interpreter = sys.executable if path.endswith(".py") else "sh"
        status = subprocess.run([interpreter, path], cwd=os.path.dirname(HERE),
                                stdin=subprocess.DEVNULL).returncode
        print("%-24s %s" % (name, "ok" if status == 0 else "FAILED"),
              flush=True)
        if status:
            failed.append(name)
    print("%d passed, %d failed" % (len(rules) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
