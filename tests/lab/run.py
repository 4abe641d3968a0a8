#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the functional tests inside nested machines.

    run.py [--list] [-k PATTERN] [-j JOBS] [--binary FILE] [--machine NAME]

Without a built qemu-system-nemu, Debian's QEMU with its microvm machine
stands in, which tests the tests. The last line is "N passed, N failed,
N skipped"; a log of each case is left in <build>/lab-logs.

A case that brings a disk or programs of its own has a machine of its own.
The others run one after another in the same, until one of them fails.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import shlex
import shutil
import socket
import sys
import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTIONAL = os.path.join(os.path.dirname(HERE), "functional")
sys.path.insert(0, FUNCTIONAL)

# pylint: disable=wrong-import-position
import images                                          # noqa: E402
from cache import Skip                                 # noqa: E402
from case import SKIPPED, Case, load_all               # noqa: E402
from debs import fetch_closure, fetch_kernel           # noqa: E402
from outer import Disk, Outer, snapshot                # noqa: E402

LIBVIRT = ["libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients"]


class Result(NamedTuple):
    """How one case went."""
    name: str
    verdict: str                        # passed, failed, skipped
    wall_s: float
    cpu_s: float
    text: str


FILES: Dict[str, Callable[[], str]] = {
    "bzimage": lambda: fetch_kernel("cloud-amd64").bzimage,
    "vmlinux": lambda: fetch_kernel("cloud-amd64").vmlinux(),
    "guest": lambda: images.guest(fetch_kernel("cloud-amd64")),
    "bare": images.bare,
    "root": images.root_disk,
    "scratch": images.scratch_disk,
    "libvirt": lambda: fetch_closure("libvirt", LIBVIRT),
}
# Needs that reach the machine as a disk; the case sees the device's path.
DISKS = ("root", "scratch")


def own_machine(one: Case) -> bool:
    """Whether a case leaves behind what the next one must not see."""
    return bool(set(one.needs) & {"libvirt", *DISKS})


class Station:
    """A machine that serves one case after another."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.machine: Optional[Outer] = None
        self.used_s = 0.0

    def close(self) -> None:
        if self.machine:
            self.machine.close()
        self.machine = None

    def run(self, command: str, limit: float, disks: List[Disk],
            layers: List[str]) -> Tuple[int, str, float]:
        """Returns exit status, output and the seconds of CPU time it took."""
        status, text, total = 1, "", self.used_s
        if disks or layers:
            self.close()
        try:
            if not self.machine:
                self.machine, self.used_s = Outer(disks, layers,
                                                  self.state), 0.0
            try:
                status, text = self.machine.run(command, limit)
            except (socket.timeout, OSError) as error:
                status, text = 124, "%s\n%s" % (
                    error, self.machine.console_text()[-3000:])
            total = self.machine.cpu_seconds()
        except RuntimeError as error:
            text = str(error)
        took, self.used_s = total - self.used_s, total
        if status not in (0, SKIPPED) or disks or layers:
            self.close()
        return status, text, took


class Plan:
    """What is to be run, and everything that is prepared for it."""

    def __init__(self, binary: str, machine: str, log_folder: str,
                 slow: float) -> None:
        self.binary = binary
        self.machine = machine
        self.log_folder = log_folder
        self.slow = slow
        self.jobs = threading.local()       # each thread's .station
        self.stations: List[Station] = []   # all of them
        self.files: Dict[str, str] = {}
        self.missing: Dict[str, str] = {}

    def prepare(self, cases: List[Case]) -> None:
        for need in sorted({n for c in cases for n in c.needs}):
            try:
                self.files[need] = FILES[need]()
            except Skip as reason:
                self.missing[need] = str(reason)
        self.snapshot = snapshot()

    def why_skipped(self, one: Case) -> str:
        if one.machines and self.machine not in one.machines:
            return "not for machine '%s'" % self.machine
        return "; ".join(self.missing[n] for n in one.needs
                         if n in self.missing)

    def environment(self, one: Case) -> Tuple[Dict[str, object], List[Disk]]:
        files, disks = {}, []
        for need in one.needs:
            files[need] = self.files[need]
            if need in DISKS:
                files[need] = "/dev/vd" + "ab"[len(disks)]
                disks.append(Disk(need, self.files[need]))
        return {"binary": self.binary, "machine": self.machine,
                "files": files, "slow": self.slow}, disks

    def station(self) -> Station:
        """The machine of this thread."""
        if not hasattr(self.jobs, "station"):
            self.jobs.station = Station(self.snapshot)
            self.stations.append(self.jobs.station)
        return self.jobs.station

    def run(self, one: Case) -> Result:
        reason = self.why_skipped(one)
        if reason:
            return Result(one.name, "skipped", 0, 0, reason)
        env, disks = self.environment(one)
        limit = one.timeout * self.slow
        layers = [self.files["libvirt"]] if "libvirt" in one.needs else []
        command = "NEMU_CASE_ENV=%s exec timeout -k 30 %d python3 -B %s %s %s" % (
            shlex.quote(json.dumps(env)), limit,
            shlex.quote(os.path.join(FUNCTIONAL, "case.py")),
            shlex.quote(one.path), shlex.quote(one.name))
        start = time.monotonic()
        status, text, cpu = self.station().run(command, limit + 60, disks,
                                               layers)
        if status == 124:
            text += "\ntimed out after %d s" % limit
        self.write_log(one, text)
        verdict = {0: "passed", SKIPPED: "skipped"}.get(status, "failed")
        return Result(one.name, verdict, time.monotonic() - start, cpu, text)

    def write_log(self, one: Case, text: str) -> None:
        path = os.path.join(self.log_folder, one.name.replace("/", "-"))
        with open(path + ".log", "w", encoding="utf-8") as log:
            log.write(text)


def show(result: Result, done: int, total: int) -> None:
    print("%3d/%d %-40s %-7s %6.1f s wall %6.1f s cpu" % (
        done, total, result.name, result.verdict, result.wall_s,
        result.cpu_s), flush=True)
    if result.verdict == "skipped":
        print("        " + result.text.strip().splitlines()[-1])
    if result.verdict == "failed":
        for line in result.text.strip().splitlines()[-25:]:
            print("        " + line)


def summary(results: List[Result], wall_s: float,
            log_folder: str) -> Dict[str, int]:
    """Print what is to be looked at and the totals; returns the counts."""
    groups: Dict[str, List[Result]] = {}
    for result in results:
        groups.setdefault(result.name.split("/")[0], []).append(result)
    print()
    for name in sorted(groups):
        some = groups[name]
        print("%-10s %2d of %2d passed %7.1f s cpu" % (
            name, sum(r.verdict == "passed" for r in some), len(some),
            sum(r.cpu_s for r in some)))
    for result in sorted(results):
        if result.verdict == "failed":
            print("failed:  %s, see %s.log" % (result.name, os.path.join(
                log_folder, result.name.replace("/", "-"))))
        if result.verdict == "skipped":
            print("skipped: %s, %s" % (result.name,
                                       result.text.strip().split("\n")[-1]))
    print("%.0f s wall, %.0f s cpu; logs in %s" % (
        wall_s, sum(r.cpu_s for r in results), log_folder))
    count = {v: sum(r.verdict == v for r in results)
             for v in ("passed", "failed", "skipped")}
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    return count


def choose(args: argparse.Namespace) -> Tuple[str, str]:
    """Binary and machine under test."""
    if args.binary:
        path = shutil.which(args.binary) or args.binary
        return os.path.abspath(path), args.machine or "virt"
    built = os.path.abspath(os.path.join(args.build_dir, "qemu-system-nemu"))
    if os.path.exists(built):
        return built, args.machine or "virt"
    print("no %s: Debian's QEMU stands in" % built)
    return (shutil.which("qemu-system-x86_64") or "qemu-system-x86_64",
            args.machine or "microvm")


def patience() -> float:
    """How many times longer things take on this machine, as busy as it is."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-k", dest="pattern", default="*",
                        help="only cases whose name has this (or matches it)")
    parser.add_argument("-j", dest="jobs", type=int, default=2,
                        help="machines at a time [2]")
    parser.add_argument("--slow", type=float, default=patience(),
                        metavar="FACTOR",
                        help="multiply each time-out [by the machine's load]")
    parser.add_argument("--build-dir", default="build")
    parser.add_argument("--binary")
    parser.add_argument("--machine")
    parser.add_argument("--json", help="write the results to this file")
    return parser.parse_args()


def main() -> int:
    args = parse()
    pattern = args.pattern if "*" in args.pattern else "*%s*" % args.pattern
    cases = [c for c in load_all() if fnmatch.fnmatch(c.name, pattern)]
    if args.list:
        print("\n".join(c.name for c in cases))
        return 0
    log_folder = os.path.abspath(os.path.join(args.build_dir, "lab-logs"))
    os.makedirs(log_folder, exist_ok=True)
    plan = Plan(*choose(args), log_folder, args.slow)
    results: List[Result] = []
    try:
        plan.prepare(cases)
    except Skip as reason:
        print("no lab here: %s" % reason)
        print("0 passed, 0 failed, %d skipped" % len(cases))
        return 1
    print("%d cases with %s -M %s, time-outs times %.1f" % (
        len(cases), plan.binary, plan.machine, plan.slow))
    # The longest last would leave the other jobs idle at the end.
    cases.sort(key=lambda c: (not own_machine(c), -c.timeout))
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for future in concurrent.futures.as_completed(
                pool.submit(plan.run, c) for c in cases):
            results.append(future.result())
            show(results[-1], len(results), len(cases))
        for station in plan.stations:
            station.close()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump([r._asdict() for r in results], out, indent=1)
    count = summary(results, time.monotonic() - start, log_folder)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
