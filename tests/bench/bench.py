#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure NEMU against Debian's QEMU, side by side on this machine.

Every row is the median of several runs in which the programs take turns, so
that a change of the machine's speed hits all of them alike. Prints a table
and writes the same as JSON. Rows that need what is not here are left out,
with the reason.
"""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lab"),
                os.path.join(os.path.dirname(HERE), "functional")]

# pylint: disable=wrong-import-position
import armrows                                         # noqa: E402
import imgrows                                         # noqa: E402
import labrows                                         # noqa: E402
from cache import Skip, cached, file_digest            # noqa: E402
from debs import run                                   # noqa: E402

ROM_SIZE = 64 << 10
# mov al, 0x10; mov dx, 0xf4; out dx, al: isa-debug-exit makes it status 33
EXIT_CODE = bytes([0xb0, 0x10, 0xba, 0xf4, 0x00, 0xee, 0xf4])
EXIT_STATUS = 33
# cli; hlt; jmp back to hlt
IDLE_CODE = bytes([0xfa, 0xf4, 0xeb, 0xfd])
QUIET = ["-nodefaults", "-no-user-config", "-display", "none"]


class Row(NamedTuple):
    """One figure for each program, and what it should be."""
    name: str
    unit: str
    values: Dict[str, float]
    targets: List["Target"]


class Target(NamedTuple):
    """subject <= factor x reference; without a reference, <= factor."""
    subject: str
    reference: str
    factor: float
    at_least: bool = False

    def judge(self, values: Dict[str, float]) -> Optional[bool]:
        if self.subject not in values:
            return None
        limit = self.factor
        if self.reference:
            if self.reference not in values:
                return None
            limit *= values[self.reference]
        value = values[self.subject]
        return value >= limit if self.at_least else value <= limit

    def text(self) -> str:
        sign = ">=" if self.at_least else "<="
        of = " x " + self.reference if self.reference else ""
        return "%s %s %g%s" % (self.subject, sign, self.factor, of)


class Bench:
    """The programs to compare and how often."""

    def __init__(self, nemu: str, runs: int, folder: str) -> None:
        self.nemu = nemu
        self.qemu = shutil.which("qemu-system-x86_64")
        self.runs = runs
        self.folder = folder
        self.rows: List[Row] = []
        self.left_out: List[str] = []
        self.measure_tool = self.compile("measure.c")

    @staticmethod
    def compile(name: str) -> str:
        source = os.path.join(HERE, name)
        return cached("bench-" + name[:-2], "", [file_digest(source)],
                      lambda path: run(["gcc", "-O2", "-static", "-o", path,
                                        source]) and None)

    def rom(self, name: str, code: bytes) -> str:
        """A ROM whose reset vector is at the usual place, 16 bytes below
        its end."""
        path = os.path.join(self.folder, name)
        image = bytearray(b"\x90" * ROM_SIZE)
        image[-16:-16 + len(code)] = code
        with open(path, "wb") as out:
            out.write(image)
        return path

    def machines(self, cpu: bool = True) -> Dict[str, List[str]]:
        """Command lines up to the machine, by the name in the table."""
        result = {"nemu": [self.nemu, "-M", "virt,accel=kvm"]}
        if self.qemu:
            result["microvm"] = [self.qemu, "-M", "microvm,accel=kvm"]
            result["q35"] = [self.qemu, "-M", "q35,accel=kvm"]
        if cpu:
            for command in result.values():
                # QEMU 7.2 aborts on hosts whose KVM refuses MSR 0x10a.
                command += ["-cpu", "host,arch-capabilities=off"]
        return result

    def take_turns(self, subjects: Dict[str, Callable[[], Dict[str, float]]]
                   ) -> Dict[str, Dict[str, float]]:
        """Medians of each figure of each subject."""
        seen: Dict[str, List[Dict[str, float]]] = {n: [] for n in subjects}
        for turn in range(self.runs + 1):
            for name, subject in subjects.items():
                figures = subject()
                if turn:                # the first turn warms the caches
                    seen[name].append(figures)
        return {name: {key: statistics.median(f[key] for f in figures)
                       for key in figures[0]}
                for name, figures in seen.items()}

    def measured(self, command: List[str], status: int) -> Dict[str, float]:
        """Run a command to its end. Errors: Skip on another status."""
        read_fd, write_fd = os.pipe()
        # Descriptor 3 in the tool, whatever its number is here.
        with subprocess.Popen(
                ["sh", "-c", 'exec "$@" 3>&%d' % write_fd, "sh",
                 "timeout", "20", self.measure_tool] + command,
                pass_fds=[write_fd], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tool:
            os.close(write_fd)
            with os.fdopen(read_fd, "rb") as pipe:
                text = pipe.read()
            errors = tool.stderr.read() if tool.stderr else b""
        figures = json.loads(text or b'{"status": 124}')
        if figures.pop("status") != status:
            raise Skip("%s: %s" % (" ".join(command[:3]),
                                   errors.decode().strip()[-200:]))
        return figures

    def start_and_exit(self) -> None:
        rom = self.rom("exit.rom", EXIT_CODE)
        floor = self.compile("floor.c")
        subjects = {"floor": [floor, rom, "256"]}
        for name, command in self.machines().items():
            subjects[name] = command + QUIET + [
                "-m", "256", "-bios", rom,
                "-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
        got = self.take_turns({
            name: lambda c=command: self.measured(c, EXIT_STATUS)
            for name, command in subjects.items()})
        self.add("start to first instruction and exit, wall", "ms",
                 {n: g["wall_s"] * 1e3 for n, g in got.items()},
                 [Target("nemu", "floor", 1.5)])
        self.add("start to first instruction and exit, CPU", "ms",
                 {n: g["cpu_s"] * 1e3 for n, g in got.items()},
                 [Target("nemu", "microvm", 0.25)])
        self.add("peak memory of that run", "MiB",
                 {n: g["rss_kib"] / 1024 for n, g in got.items()},
                 [Target("nemu", "", 10)])

    def qmp_greeting(self) -> None:
        subjects = {name: lambda c=command: self.greet(c)
                    for name, command in self.machines().items()}
        for name, binary in (("nemu none", self.nemu),
                             ("qemu none", self.qemu)):
            if binary:
                subjects[name] = lambda b=binary: self.greet(
                    [b, "-M", "none,accel=kvm"])
        got = self.take_turns(subjects)
        self.add("start to QMP greeting answered", "ms",
                 {n: g["wall_s"] * 1e3 for n, g in got.items()},
                 [Target("nemu", "q35", 0.2), Target("nemu", "", 15)])

    def greet(self, command: List[str]) -> Dict[str, float]:
        path = os.path.join(self.folder, "qmp")
        if os.path.exists(path):
            os.unlink(path)
        start = time.monotonic()
        with subprocess.Popen(
                command + QUIET + ["-S", "-qmp",
                                   "unix:%s,server=on,wait=off" % path],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as process:
            try:
                with socket.socket(socket.AF_UNIX) as conn:
                    while conn.connect_ex(path):
                        if process.poll() is not None:
                            raise Skip(" ".join(command[:3]) + " ended")
                        time.sleep(0.0005)
                    conn.settimeout(10)
                    conn.recv(1 << 16)
                    conn.sendall(b'{"execute":"qmp_capabilities"}\r\n')
                    conn.recv(1 << 16)
                return {"wall_s": time.monotonic() - start}
            finally:
                process.kill()

    def idle(self) -> None:
        rom = self.rom("idle.rom", IDLE_CODE)
        values = {}
        for name, command in self.machines().items():
            with subprocess.Popen(
                    command + QUIET + ["-m", "256", "-bios", rom],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as process:
                try:
                    time.sleep(1)
                    before = wake_ups(process.pid)
                    time.sleep(4)
                    values[name] = (wake_ups(process.pid) - before) / 4
                except FileNotFoundError:
                    raise Skip(name + " ended") from None
                finally:
                    process.kill()
        self.add("wake-ups per idle second", "", values,
                 [Target("nemu", "", 0)])

    def sizes(self) -> None:
        programs = {"nemu": self.nemu}
        if self.qemu:
            programs["qemu"] = self.qemu
        size, libs = {}, {}
        for name, path in programs.items():
            stripped = os.path.join(self.folder, "stripped")
            run(["strip", "-o", stripped, path])
            size[name] = os.path.getsize(stripped) / 1e6
            libs[name] = len(run(["ldd", path]).splitlines())
        self.add("program, stripped", "MB", size, [Target("nemu", "", 4.3)])
        self.add("shared libraries", "", {k: float(v)
                                          for k, v in libs.items()},
                 [Target("nemu", "", 29)])
        kinds = {}
        for name, path in programs.items():
            text = run([path, "-device", "help"])
            kinds[name] = float(len(re.findall(r'^name "(?!.*-cpu")', text,
                                           re.MULTILINE)))
        self.add("device types", "", kinds, [Target("nemu", "", 80)])

    def minimal_size(self, path: str) -> None:
        stripped = os.path.join(self.folder, "stripped")
        run(["strip", "-o", stripped, path])
        self.add("program without optional parts, stripped", "MB",
                 {"nemu": os.path.getsize(stripped) / 1e6},
                 [Target("nemu", "", 1.5)])
        self.add("shared libraries of that", "",
                 {"nemu": float(len(run(["ldd", path]).splitlines()))},
                 [Target("nemu", "", 8)])

    def images(self, wanted: str, parent: str, realtime: bool) -> None:
        nemu = os.path.join(os.path.dirname(self.nemu), "nemu-img")
        peer, peer_io = shutil.which("qemu-img"), shutil.which("qemu-io")
        if not os.path.exists(nemu):
            raise Skip("built without nemu-img")
        if not peer or not peer_io:
            raise Skip("qemu-img and qemu-io are not installed")
        # A folder on a disk: direct I/O is not to be had everywhere.
        with tempfile.TemporaryDirectory(prefix="bench-img-",
                                         dir=parent) as folder:
            programs = {"nemu": nemu, "qemu": peer, "qemu-io": peer_io}
            for row in imgrows.measure(programs, self.measure_tool, folder,
                                       (self.runs, realtime), wanted):
                self.add(row.name, row.unit, row.values,
                         [Target("nemu", row.peer, row.factor,
                                 at_least=bool(row.peer))])

    def lab(self, boots: int) -> None:
        if not self.qemu:
            raise Skip("qemu-system-x86_64 is not installed")
        got = labrows.measure(self.nemu, self.qemu, boots)
        self.add("lab: Debian kernel to init and power-off, CPU", "s",
                 got["boot"],
                 [Target("nemu " + form, "%s %s" % (other, form), factor)
                  for form in ("bzImage", "PVH")
                  for other, factor in (("q35", 0.5), ("microvm", 1.0))])
        for row, name, unit in (
                ("blk", "virtio-blk, 4 KiB reads of null-co, CPU", "1/s"),
                ("uring", "virtio-blk, 4 KiB reads by io_uring, CPU", "1/s"),
                ("qread", "virtio-blk, random 4 KiB reads of qcow2, CPU",
                 "1/s"),
                ("qwrite", "virtio-blk, random 4 KiB writes of qcow2, CPU",
                 "1/s"),
                ("fetch", "virtio-net, fetch through tap, CPU", "MB/s"),
                ("send", "virtio-net, send through tap, CPU", "MB/s")):
            self.add("lab: " + name, unit, got[row],
                     [Target("nemu", "q35", 1.0, at_least=True)])

    def all_x86(self, minimal: Optional[str], boots: int, rows: List[str],
                images: Callable[[], None]) -> None:
        for name, part in (("start", self.start_and_exit),
                           ("qmp", self.qmp_greeting), ("idle", self.idle),
                           ("sizes", self.sizes),
                           ("images", images)):
            if name in rows:
                self.attempt(name, part)
        if minimal and "sizes" in rows:
            self.attempt("minimal size", lambda: self.minimal_size(minimal))
        if boots and "lab" in rows:
            self.attempt("lab", lambda: self.lab(boots))

    def arm_lab(self, boots: int) -> None:
        cpu, memory = armrows.measure(self.nemu, boots)
        self.add("lab: Debian arm64 kernel to init and power-off, CPU", "s",
                 cpu, [Target("nemu", "qemu", 0.7)])
        self.add("lab: peak memory of that without the guest's", "MiB",
                 memory, [Target("nemu", "", 10)])

    def add(self, name: str, unit: str, values: Dict[str, float],
            targets: List[Target]) -> None:
        self.rows.append(Row(name, unit, values, targets))
        print(format_row(self.rows[-1]), flush=True)

    def attempt(self, name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except (Skip, OSError, RuntimeError, ValueError) as reason:
            self.left_out.append("%s: %s" % (name, reason))
            print("left out: " + self.left_out[-1], flush=True)


def wake_ups(pid: int) -> int:
    """How often the threads of a process have come back from waiting."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task),
                  encoding="ascii") as status:
            for line in status:
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
    return total


def format_row(row: Row) -> str:
    figures = "  ".join("%s %.4g" % item for item in row.values.items())
    text = "%-46s %-5s %s" % (row.name, row.unit, figures)
    for target in row.targets:
        verdict = {True: "met", False: "NOT MET", None: "not measured"}[
            target.judge(row.values)]
        text += "\n%52s target %s: %s" % ("", target.text(), verdict)
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="x86_64",
                        choices=["x86_64", "aarch64"],
                        help="aarch64: the rows of the Arm lab alone [x86_64]")
    parser.add_argument("--build-dir", default="build")
    parser.add_argument("--binary", help="another program than the built one")
    parser.add_argument("--minimal", metavar="PROGRAM",
                        help="built --without-default-features")
    parser.add_argument("--runs", type=int, default=9,
                        help="runs of each quick row [9]")
    parser.add_argument("--boots", type=int, default=3,
                        help="boots of each kind in the lab; 0: no lab [3]")
    parser.add_argument("--rows", default="start,qmp,idle,sizes,images,lab",
                        help="parts to run, separated by commas [%(default)s]")
    parser.add_argument("--images", default="", metavar="PATTERN",
                        help="of the rows about images: those whose name has "
                        "it [all]")
    parser.add_argument("--realtime", action="store_true",
                        help="of the rows about images: with real-time "
                        "priority, on machines with other work")
    parser.add_argument("--folder", default="/var/tmp",
                        help="for the images: on a disk, best on a file system "
                        "that does not discard at once what is free [%(default)s]")
    parser.add_argument("--json", help="where to write [BUILD/bench.json]")
    args = parser.parse_args()

    nemu = os.path.abspath(args.binary or os.path.join(args.build_dir,
                                                       "qemu-system-nemu"))
    if not os.path.exists(nemu):
        print("no %s: run make first" % nemu)
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(nemu, args.runs, folder)
        if args.arch == "aarch64":
            bench.attempt("lab", lambda: bench.arm_lab(args.boots))
        else:
            bench.all_x86(args.minimal, args.boots, args.rows.split(","),
                          lambda: bench.images(args.images, args.folder,
                                               args.realtime))
    path = args.json or os.path.join(args.build_dir, "bench.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"rows": [dict(row._asdict(), targets=[
            {"text": t.text(), "met": t.judge(row.values)}
            for t in row.targets]) for row in bench.rows],
            "left_out": bench.left_out}, out, indent=1)
    print("written to " + path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
