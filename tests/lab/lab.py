#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Start an outer machine and run shell commands in it.

    lab.py [--layer DIR]... [--cold] COMMAND...

Each COMMAND is a shell script; the exit status is that of the first that
fails. Without a command they are read from standard input.
"""
import argparse
import sys
import time

from cache import Skip
from outer import Outer, snapshot


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--layer", action="append", default=[],
                        help="folder of the host laid over the root inside")
    parser.add_argument("--cold", action="store_true",
                        help="boot instead of continuing from the snapshot")
    parser.add_argument("--console", action="store_true",
                        help="show the outer machine's console at the end")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()

    try:
        state = None if args.cold else snapshot()
        machine = Outer(layers=args.layer, snapshot=state)
    except Skip as reason:
        print("lab: skipped: %s" % reason, file=sys.stderr)
        return 77
    worst = 0
    with machine:
        print("lab: ready after %.1f s" % machine.ready_s, file=sys.stderr)
        for command in args.command or iter(lambda: input("lab> "), "exit"):
            start, cpu = time.monotonic(), machine.cpu_seconds()
            status, _ = machine.run(command, stream=sys.stdout)
            print("lab: exit status %d, %.2f s, cpu %.2f s" % (
                status, time.monotonic() - start,
                machine.cpu_seconds() - cpu), file=sys.stderr)
            worst = worst or status
        if args.console:
            print(machine.console_text())
    return worst


if __name__ == "__main__":
    sys.exit(main())
