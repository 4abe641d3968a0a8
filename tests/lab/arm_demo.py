# SPDX-License-Identifier: GPL-2.0-or-later
"""`make demo ARCH=aarch64`: the tour in the emulated Arm machine."""
import os
import re
import sys

import arm
from armbox import ArmBox
from cpio import Archive

sys.path.append(os.path.join(arm.TOP, "tests", "functional"))
from test_demo import FETCHED, SCRIPT                   # noqa: E402

PORT = 8080                         # of the outer machine, where all is ours
TIMEOUT_S = 600


def _files() -> bytes:
    """A second initramfs: what the outer machine runs, the guest's script."""
    values = {"@PORT@": str(PORT), "@SIZE@": str(FETCHED)}

    def fill(text: str) -> bytes:
        for name, value in values.items():
            text = text.replace(name, value)
        return text.encode()
    guest = Archive()
    guest.file("script", fill(SCRIPT), 0o755)
    archive = Archive()
    archive.file("cases/00/guest.cpio", guest.bytes())
    with open(arm.source("arm-demo"), encoding="utf-8") as script:
        archive.file("cases/00/run", fill(script.read()), 0o755)
    return archive.bytes()


def run(binary: str, log: str) -> int:
    """Show the tour; the whole console is left in @log. 0: all went well."""
    kernel = arm.fetch_kernel(arm.DEFAULT_KERNEL)
    print("demo: kernel:   Debian's linux-image-" + kernel.version, flush=True)
    both = log + ".cpio"
    with open(arm.outer_initramfs(binary, kernel.bzimage,
                                  arm.guest_initramfs(kernel)), "rb") as base:
        arm.write(both, base.read() + _files())
    ended = []
    with open(log, "w", encoding="utf-8") as console:
        def on_line(line: str) -> None:
            console.write(line + "\n")
            if line.startswith("demo: "):
                print(line, flush=True)
            ended.extend(re.findall(r"^CASE-END 00 (\d+)", line))
        try:
            box = ArmBox(arm.fetch_kernel("arm64"), both, on_line)
            in_time = box.run(TIMEOUT_S)
        finally:
            os.unlink(both)
    if not in_time:
        print("demo: FAILED: not done after %d s" % TIMEOUT_S)
    return 0 if in_time and ended == ["0"] else 1
