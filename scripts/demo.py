#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make demo`: boot Debian's cloud kernel in NEMU and show its devices at work.

The guest runs on this machine's /dev/kvm when that can run a stock kernel,
else in the lab: NEMU on KVM inside an emulated machine. Either way it is the
test case demo/tour.
"""
import argparse
import json
import os
import subprocess
import sys
from typing import Optional

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTIONAL = os.path.join(TOP, "tests", "functional")
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))

# pylint: disable=wrong-import-position
import run as lab_run                                   # noqa: E402
from cache import Skip                                  # noqa: E402

CASE = "demo/tour"
PROBE_SECONDS = 10
INIT_LINE = b"BARE-INIT-OK"


def kvm_runs_kernels(binary: str) -> Optional[str]:
    """None when /dev/kvm boots a stock kernel, else the reason."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened"
    command = [binary, "-M", "virt", "-accel", "kvm", "-m", "256",
               "-nodefaults", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-kernel", lab_run.FILES["vmlinux"](),
               "-initrd", lab_run.FILES["bare"](),
               "-append", "console=ttyS0 quiet panic=-1"]
    try:
        done = subprocess.run(command, timeout=PROBE_SECONDS, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return "/dev/kvm does not bring a kernel up in %d s" % PROBE_SECONDS
    if INIT_LINE not in done.stdout:
        return "/dev/kvm does not run a stock kernel"
    return None


def run_direct(binary: str) -> int:
    files = {need: lab_run.FILES[need]() for need in ("bzimage", "guest")}
    env = dict(os.environ, NEMU_CASE_ENV=json.dumps(
        {"binary": binary, "machine": "virt", "files": files}))
    return subprocess.run(
        [sys.executable, "-B", os.path.join(FUNCTIONAL, "case.py"),
         os.path.join(FUNCTIONAL, "test_demo.py"), CASE],
        env=env, check=False).returncode


def run_in_lab(build_dir: str) -> int:
    done = subprocess.run(
        [sys.executable, os.path.join(TOP, "tests", "lab", "run.py"),
         "--build-dir", build_dir, "-k", CASE, "-j", "1"], check=False)
    log = os.path.join(build_dir, "lab-logs", CASE.replace("/", "-") + ".log")
    if done.returncode == 0:
        with open(log, encoding="utf-8") as text:
            print(text.read().strip())
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", default="build")
    args = parser.parse_args()
    binary = os.path.abspath(os.path.join(args.build_dir, "qemu-system-nemu"))
    print("demo: fetching Debian's cloud kernel", flush=True)
    try:
        reason = kvm_runs_kernels(binary)
    except Skip as missing:
        print("demo: cannot run here: %s" % missing)
        return 1
    if reason is None:
        print("demo: guest on this machine's /dev/kvm", flush=True)
        return run_direct(binary)
    print("demo: %s; guest in the lab (nested KVM under emulation)" % reason,
          flush=True)
    return run_in_lab(args.build_dir)


if __name__ == "__main__":
    sys.exit(main())
