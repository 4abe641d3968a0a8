#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make demo`: boot Debian's cloud kernel in NEMU and show its devices at work.

The guest runs on this machine's /dev/kvm when that can run a stock kernel,
else in the lab: NEMU on KVM inside an emulated machine. Either way it is the
test case demo/tour.

With --arch aarch64 it is Debian's arm64 kernel, started by its AAVMF firmware,
always in the lab's emulated Arm machine.
"""
import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from typing import Dict, List

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTIONAL = os.path.join(ROOT, "tests", "functional")
sys.path[:0] = [os.path.join(ROOT, "tests", "lab"), FUNCTIONAL]

# pylint: disable=wrong-import-position
import arm_demo                                         # noqa: E402
import images                                           # noqa: E402
from cache import Skip                                  # noqa: E402
from debs import fetch_kernel                           # noqa: E402
from guest import Env, GuestError                       # noqa: E402
from outer import Outer, snapshot                       # noqa: E402

CASE = "demo/tour"
PROBE_S = 10
LAB_S = 600


def show(text: str) -> None:
    print("demo: " + text, flush=True)


def probe_kvm(env: Env) -> str:
    """Why /dev/kvm cannot run a stock kernel; empty when it can."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm is not there or may not be opened"
    try:
        with env.guest(initrd=env.file("bare"),
                       args=["-no-reboot"]) as guest:
            guest.expect("^BARE-INIT-OK", PROBE_S)
    except GuestError as error:
        return str(error).split("\n", maxsplit=1)[0]
    return ""


def prepare(binary: str) -> Dict[str, object]:
    """What the case finds in its Env."""
    kernel = fetch_kernel("cloud-amd64")
    show("kernel:   Debian's linux-image-" + kernel.version)
    return {"binary": binary, "machine": "virt",
            "files": {"bzimage": kernel.bzimage, "bare": images.bare(),
                      "guest": images.guest(kernel)}}


def case_command() -> List[str]:
    return ["-B", os.path.join(FUNCTIONAL, "case.py"),
            os.path.join(FUNCTIONAL, "test_demo.py"), CASE]


def run_direct(values: Dict[str, object]) -> int:
    return subprocess.run(
        [sys.executable] + case_command(), check=False,
        env=dict(os.environ, NEMU_CASE_ENV=json.dumps(values))).returncode


def run_in_lab(values: Dict[str, object]) -> int:
    show("starting the lab's machine (the first time takes half a minute)")
    with Outer(snapshot=snapshot()) as machine:
        show("the lab answers after %.1f s" % machine.ready_s)
        status, _ = machine.run(
            "NEMU_CASE_ENV=%s exec python3 %s" % (
                shlex.quote(json.dumps(values)), shlex.join(case_command())),
            timeout=LAB_S, stream=sys.stdout)
    return status


def run_in_arm_lab(binary: str) -> int:
    show("running in the lab: NEMU on KVM inside an emulated Arm machine")
    log = os.path.join(os.path.dirname(os.path.abspath(binary)), "demo.log")
    return arm_demo.run(binary, log)


def close(status: int) -> int:
    show("done" if status == 0 else "FAILED with status %d" % status)
    return 1 if status else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--arch", default="x86_64",
                        choices=["x86_64", "aarch64"])
    parser.add_argument("--build-dir", default="build")
    parser.add_argument("--binary", help="another program than the built one")
    parser.add_argument("--lab", action="store_true",
                        help="use the lab even if /dev/kvm would do")
    args = parser.parse_args()
    binary = args.binary or os.path.join(args.build_dir, "qemu-system-nemu")
    if not os.path.exists(binary):
        show("no %s: run make first" % binary)
        return 1
    try:
        if args.arch == "aarch64":
            return close(run_in_arm_lab(binary))
        values = prepare(os.path.abspath(binary))
        env = Env(values)
        try:
            reason = "asked for by --lab" if args.lab else probe_kvm(env)
        finally:
            shutil.rmtree(env.folder, ignore_errors=True)
        if reason:
            show("/dev/kvm is not used (%s): running in the lab" % reason)
            status = run_in_lab(values)
        else:
            show("/dev/kvm runs a stock kernel: using it directly")
            status = run_direct(values)
    except (Skip, RuntimeError, OSError) as error:
        show("FAILED: %s" % error)
        return 1
    return close(status)


if __name__ == "__main__":
    sys.exit(main())
