# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated Arm machine with /dev/kvm, its console read as it comes."""
import os
import signal
import subprocess
import threading
from typing import Callable, List

from cache import Skip
from debs import Kernel

# The quickest that Linux runs on with VHE.
CPU = "neoverse-n1"


def command(kernel: Kernel, initramfs: str, serial: str, gic: int = 3,
            cpu: str = CPU) -> List[str]:
    return ["qemu-system-aarch64", "-accel", "tcg", "-cpu", cpu,
            "-M", "virt,virtualization=on,gic-version=%d" % gic, "-m", "2048",
            "-smp", "1", "-nodefaults", "-no-reboot", "-display", "none",
            "-kernel", kernel.bzimage, "-initrd", initramfs,
            "-append", "console=ttyAMA0 quiet panic=-1", "-serial", serial]


class ArmBox:
    """Runs /init of an initramfs; each line of the console goes to a function.

    cpu_seconds() is what the emulator has used so far.
    """

    def __init__(self, kernel: Kernel, initramfs: str,
                 on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        try:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                command(kernel, initramfs, "stdio"), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE)
        except FileNotFoundError:
            raise Skip("qemu-system-aarch64 is not installed") from None

    def cpu_seconds(self) -> float:
        with open("/proc/%d/stat" % self._process.pid,
                  encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, timeout: float) -> bool:
        """Until it powers off; False: it was too slow and is gone."""
        late = []

        def kill() -> None:
            late.append(True)
            self._process.send_signal(signal.SIGKILL)
        timer = threading.Timer(timeout, kill)
        timer.start()
        try:
            assert self._process.stdout
            for line in self._process.stdout:
                self._on_line(line.decode(errors="replace").rstrip("\r\n"))
            self._process.wait()
        finally:
            timer.cancel()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        return not late
