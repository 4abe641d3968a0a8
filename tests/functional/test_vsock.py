# SPDX-License-Identifier: GPL-2.0-or-later
"""What test-vsock.py skips where the kernel lacks vsock_loopback: the lab's
has it."""
import os
import sys

from case import HERE, case
from disks import run
from guest import Env, GuestError


@case(needs=[])
def test_loopback(env: Env) -> None:
    run(["busybox", "modprobe", "vsock_loopback"])
    script = os.path.join(os.path.dirname(HERE), "program", "test-vsock.py")
    output = run(["env", "NEMU_BINARY=" + env.binary, sys.executable, "-B",
                  script])
    unit = os.path.join(os.path.dirname(env.binary), "tests", "unit", "io",
                        "test-socket")
    if os.path.exists(unit):
        output += run([unit, "-p", "/io/socket/vsock"])
    if "SKIP" in output:
        raise GuestError(output)
