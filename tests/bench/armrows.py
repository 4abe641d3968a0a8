# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bench.py for Arm: boots inside the lab's emulated machine."""
import os
import statistics
import sys
import tempfile
from typing import Dict, List, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lab")]

# pylint: disable=wrong-import-position
import arm                                             # noqa: E402
from armbox import ArmBox                              # noqa: E402
from cache import Skip, cached                         # noqa: E402
from cpio import Archive                               # noqa: E402
from debs import run                                   # noqa: E402

QEMU_PACKAGE = "qemu-system-arm"
APPEND = "console=ttyAMA0 quiet panic=-1"
# The guest's memory is a mapping with a name, so that it counts apart.
MEMORY = "-object memory-backend-memfd,id=m,size=256M,share=on " \
    "-machine memory-backend=m"
TIMEOUT_S = 900

# Boots of both programs by turns, then once each to look at their memory.
SCRIPT = """
boot() {
    /bin/$1 -M virt,accel=kvm,gic-version=3 -cpu host -m 256 -smp 1 \\
        -kernel /Image -initrd /bare.cpio -append '%(append)s' -nodefaults \\
        -display none -serial stdio -no-reboot $2 </dev/null >/tmp/out 2>&1
}
check() {
    grep -q BARE-INIT-OK /tmp/out && return
    echo "MARK bad $1 $(tail -n 3 /tmp/out | tr '\\n' ' ')"
    exit 1
}
for turn in $(seq 0 %(turns)d); do
    for program in nemu qemu; do
        echo "MARK begin $program $turn"
        boot $program ''
        echo "MARK end $program $turn"
        check $program
    done
done
for program in nemu qemu; do
    boot $program '%(memory)s' &
    peak=0
    sleep 0.3
    while pid=$(pidof $program); do
        now=$(awk '/^[0-9a-f]+-/ { guest = /memfd:/ }
                   /^Rss:/ && !guest { n += $2 }
                   END { print n + 0 }' /proc/${pid%%%% *}/smaps 2>/dev/null)
        [ "${now:-0}" -gt $peak ] && peak=$now
        usleep 100000
    done
    wait
    check $program
    echo "MARK memory $program $peak"
done
"""


def bare_initramfs() -> str:
    source = arm.source("bare-init.c")

    def build(path: str) -> None:
        program = path + ".init"
        run(["aarch64-linux-gnu-gcc", "-O2", "-Wall", "-Werror", "-static",
             "-nostdlib", "-ffreestanding", "-fno-stack-protector",
             "-mgeneral-regs-only", "-o", program, source])
        archive = Archive()
        archive.char_device("dev/console", 5, 1)
        archive.copy("init", program, 0o755)
        os.unlink(program)
        arm.write(path, archive.bytes())
    return cached("arm-bare", ".cpio", [arm.file_digest(source)], build)


def files(turns: int) -> bytes:
    """A second initramfs: Debian's QEMU, the guest, what is to be run."""
    root = run([arm.SYSROOT_SCRIPT, QEMU_PACKAGE]).strip()
    qemu = os.path.join(root, "usr/bin/qemu-system-aarch64")
    archive = Archive()
    archive.copy("bin/qemu", qemu, 0o755)
    for name, library in arm.libraries(qemu, root).items():
        folder = "lib/" if name.startswith("ld-") else \
            "lib/aarch64-linux-gnu/"
        archive.copy(folder + name, library, 0o755)
    archive.copy("bare.cpio", bare_initramfs())
    archive.file("cases/00/run", (SCRIPT % {
        "append": APPEND, "turns": turns, "memory": MEMORY}).encode(), 0o755)
    return archive.bytes()


class Costs:
    """Takes the console's lines; keeps what the marks tell."""

    def __init__(self) -> None:
        self.box: ArmBox
        self.cpu: Dict[str, List[float]] = {}
        self.memory: Dict[str, float] = {}
        self.bad = ""
        self._begin = 0.0

    def line(self, text: str) -> None:
        if not text.startswith("MARK "):
            return
        what, name, value = text.split(" ", 3)[1:]
        if what == "begin":
            self._begin = self.box.cpu_seconds()
        elif what == "end" and value != "0":    # the first is to warm up
            self.cpu.setdefault(name, []).append(self.box.cpu_seconds() -
                                                 self._begin)
        elif what == "memory":
            self.memory[name] = int(value) / 1024
        elif what == "bad":
            self.bad = "%s did not boot: %s" % (name, value)


def measure(nemu: str, turns: int) -> Tuple[Dict[str, float],
                                            Dict[str, float]]:
    """CPU seconds of a boot, and peak memory in MiB without the guest's."""
    kernel = arm.fetch_kernel(arm.DEFAULT_KERNEL)
    base = arm.outer_initramfs(nemu, kernel.bzimage,
                               arm.guest_initramfs(kernel))
    costs = Costs()
    with tempfile.NamedTemporaryFile(suffix=".cpio") as both:
        with open(base, "rb") as first:
            both.write(first.read() + files(turns))
        both.flush()
        costs.box = ArmBox(arm.fetch_kernel("arm64"), both.name, costs.line)
        in_time = costs.box.run(TIMEOUT_S)
    if costs.bad or not in_time or len(costs.memory) < 2:
        raise Skip(costs.bad or "the emulated machine was not done after %d s"
                   % TIMEOUT_S)
    return ({name: statistics.median(times)
             for name, times in costs.cpu.items()}, costs.memory)
