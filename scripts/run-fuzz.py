#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run every libFuzzer target of a build for a while.

The targets are the programs named fuzz-* under tests/fuzz of the build
directory. Inputs found before are kept in <build>/fuzz-corpus/<target> and
used again; tests/fuzz/corpus/<target> in the source tree gives the seeds.
"""
import argparse
import os
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


def run_target(path: str, build_dir: str, seconds: int) -> bool:
    name = os.path.basename(path)
    corpus = os.path.join(build_dir, "fuzz-corpus", name)
    os.makedirs(corpus, exist_ok=True)
    command = [os.path.abspath(path), "-max_total_time=%d" % seconds,
               "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               "-verbosity=1", "-artifact_prefix=%s/" % os.path.abspath(
                   os.path.dirname(corpus)), corpus]
    seeds = os.path.join(SOURCE, "tests", "fuzz", "corpus", name)
    if os.path.isdir(seeds):
        command.append(seeds)
    log_path = corpus + ".log"
    print("%s: %d s" % (name, seconds), end=" ", flush=True)
    with open(log_path, "w", encoding="utf-8") as log:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT).returncode
    print("ok" if status == 0 else "FAILED, see " + log_path, flush=True)
    return status == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", default="build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("-k", dest="pattern", default="",
                        help="only targets whose name holds this")
    args = parser.parse_args()

    if subprocess.run(["ninja", "-C", args.build_dir]).returncode:
        return 1
    results = [run_target(path, args.build_dir, args.seconds)
               for path in find_targets(args.build_dir)
               if args.pattern in os.path.basename(path)]
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
