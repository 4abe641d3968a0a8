#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build, run `meson test` and end with "N passed, N failed, N skipped".

The cases are counted, not the programs: a TAP program counts as many as it
reports. Exits non-zero when a case failed or when none passed. The closing
line is also written to the file named by $TEST_SUMMARY, for callers whose
own output follows.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
from typing import Counter, Iterator, List

TAP_LINE = re.compile(r"^\s*(not ok|ok)\b(.*)$")
GOOD = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def tap_results(stdout: str) -> Iterator[str]:
    """The result of each case that a TAP program printed."""
    for line in stdout.splitlines():
        found = TAP_LINE.match(line)
        if not found:
            continue
        if re.search(r"#\s*skip", found.group(2), re.IGNORECASE):
            yield "skipped"
        elif re.search(r"#\s*todo", found.group(2), re.IGNORECASE):
            yield "skipped"
        else:
            yield "passed" if found.group(1) == "ok" else "failed"


def count_test(test: dict) -> Counter[str]:
    """Cases of one entry of meson's testlog.json."""
    cases = collections.Counter(tap_results(test.get("stdout") or ""))
    verdict = GOOD.get(test["result"], "failed")
    # A program that dies says nothing of the case that killed it; one that
    # is no TAP program is itself the case.
    if not cases or (verdict == "failed" and not cases["failed"]):
        cases[verdict] += 1
    return cases


def read_log(path: str) -> List[dict]:
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log if line.strip()]


def close(total: Counter[str]) -> int:
    line = "%d passed, %d failed, %d skipped" % (
        total["passed"], total["failed"], total["skipped"])
    path = os.environ.get("TEST_SUMMARY")
    if path:
        with open(path, "w", encoding="utf-8") as out:
            out.write(line + "\n")
    print(line, flush=True)
    return 1 if total["failed"] or not total["passed"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", default="build-check")
    parser.add_argument("tests", nargs="*",
                        help="names of meson tests; all when none is given")
    args = parser.parse_args()

    if subprocess.run(["ninja", "-C", args.build_dir]).returncode:
        print("the build failed")
        return close(collections.Counter(failed=1))
    log = os.path.join(args.build_dir, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    status = subprocess.run(
        ["meson", "test", "-C", args.build_dir, "--no-rebuild",
         "--print-errorlogs"] + args.tests, stdin=subprocess.DEVNULL).returncode

    total: Counter[str] = collections.Counter()
    if os.path.exists(log):
        for test in read_log(log):
            total += count_test(test)
    if status and not total["failed"]:
        total["failed"] += 1            # meson itself failed
    return close(total)


if __name__ == "__main__":
    sys.exit(main())
