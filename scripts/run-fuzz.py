#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run every libFuzzer target of a build for a while.

The targets are the programs named fuzz-* under tests/fuzz of the build
directory. Inputs found before are kept in <build>/fuzz-corpus/<target> and
used again; tests/fuzz/corpus/<target> in the source tree gives the seeds, and
tests/fuzz/<target>.dict the words, if there is one. An input that broke the
target is kept as <build>/fuzz-corpus/crash-*, leak-*, timeout-* or oom-*.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from typing import List

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def find_targets(build_dir: str) -> List[str]:
    folder = os.path.join(build_dir, "tests", "fuzz")
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, n) for n in sorted(os.listdir(folder))
             if n.startswith("fuzz-")]
    return [p for p in paths if os.path.isfile(p) and os.access(p, os.X_OK)]


def folders(path: str, build_dir: str) -> List[str]:
    """Where inputs are: those found here first, then the seeds."""
    name = os.path.basename(path)
    found = os.path.join(build_dir, "fuzz-corpus", name)
    os.makedirs(found, exist_ok=True)
    seeds = os.path.join(SOURCE, "tests", "fuzz", "corpus", name)
    return [found] + ([seeds] if os.path.isdir(seeds) else [])


def fuzz_command(path: str, build_dir: str, seconds: int) -> List[str]:
    artifacts = os.path.abspath(os.path.join(build_dir, "fuzz-corpus"))
    dictionary = os.path.join(SOURCE, "tests", "fuzz",
                              os.path.basename(path) + ".dict")
    # Frees that wait for RCU look like leaks after each input; leaks are
    # looked for at the end, by leak_command().
    command = [os.path.abspath(path), "-max_total_time=%d" % seconds,
               "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               "-detect_leaks=0", "-verbosity=1",
               "-artifact_prefix=%s/" % artifacts]
    if os.path.exists(dictionary):
        command.append("-dict=" + dictionary)
    return command + folders(path, build_dir)


def leak_command(path: str, build_dir: str) -> List[str]:
    return [os.path.abspath(path), "-runs=0", "-detect_leaks=0",
            "-verbosity=0"] + folders(path, build_dir)


def figures(log_path: str) -> str:
    """What the log says of runs and coverage."""
    with open(log_path, encoding="utf-8", errors="replace") as log:
        text = log.read()
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    edges = re.findall(r"\bcov: (\d+)", text)
    return "%s runs, %s edges" % (runs[-1] if runs else "?",
                                  edges[-1] if edges else "?")


def run_target(path: str, build_dir: str, seconds: int) -> bool:
    log_path = folders(path, build_dir)[0] + ".log"
    with open(log_path, "w", encoding="utf-8") as log:
        status = 0
        for command in (fuzz_command(path, build_dir, seconds),
                        leak_command(path, build_dir)):
            status = status or subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT).returncode
    print("%s: %d s, %s: %s" % (
        os.path.basename(path), seconds, figures(log_path),
        "ok" if status == 0 else "FAILED, see " + log_path), flush=True)
    return status == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", default="build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("-k", dest="pattern", default="",
                        help="only targets whose name holds this")
    parser.add_argument("-j", dest="jobs", type=int, default=1,
                        help="targets that run at the same time")
    args = parser.parse_args()

    if subprocess.run(["ninja", "-C", args.build_dir,
                       "fuzz-programs"]).returncode:
        return 1
    paths = [path for path in find_targets(args.build_dir)
             if args.pattern in os.path.basename(path)]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(
            lambda path: run_target(path, args.build_dir, args.seconds),
            paths))
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
