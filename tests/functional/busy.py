# SPDX-License-Identifier: GPL-2.0-or-later
"""Who uses the CPUs, and where: for the report of a case that hangs."""
import os
import subprocess
import time
from typing import Dict, Tuple

SAMPLE_S = 2.0


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError as error:
        return str(error)


def threads() -> Dict[str, Tuple[str, float]]:
    """Name, and seconds of CPU time so far, of each thread; by its folder."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            tids = os.listdir("/proc/%s/task" % pid)
        except OSError:
            continue
        for tid in tids:
            folder = "/proc/%s/task/%s" % (pid, tid)
            name, _, rest = read(folder + "/stat").rpartition(")")
            fields = rest.split()
            if len(fields) > 12:
                ticks = int(fields[11]) + int(fields[12])
                found[folder] = ("%s) %s" % (name, fields[0]),
                                 ticks / os.sysconf("SC_CLK_TCK"))
    return found


def report() -> str:
    """A few lines on each busy thread, then the kernel's last messages."""
    before = threads()
    time.sleep(SAMPLE_S)
    lines = ["--- threads that ran in %g s" % SAMPLE_S]
    for folder, (name, used) in sorted(threads().items()):
        spent = used - before.get(folder, (name, 0.0))[1]
        if spent > 0.02 * SAMPLE_S:
            lines += ["%s: %.2f s, system call %s" % (
                name, spent, read(folder + "/syscall").strip()),
                read(folder + "/stack").rstrip()]
    log = subprocess.run(["dmesg"], stdout=subprocess.PIPE, check=False,
                         stdin=subprocess.DEVNULL).stdout
    lines += ["--- kernel", log[-2000:].decode(errors="replace")]
    return "\n".join(lines)
