# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the hypervisor under test and talk to it: the tests' own tool box."""
import contextlib
import json
import os
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lab"))

# pylint: disable=wrong-import-position
import busy                                            # noqa: E402
from cpio import Archive                               # noqa: E402
from qmp import QMPClient                              # noqa: E402

REFERENCE = "qemu-system-x86_64"
# A character on a serial port costs two exits, and a clock found by
# calibration costs seconds: both matter in a nested machine.
APPEND = "console=ttyS0 quiet panic=-1 reboot=t tsc=reliable no_timer_check"
# What -M says for a machine; everything else is the same for all of them.
MACHINES = {
    "virt": "virt", "q35": "q35,hpet=off", "none": "none",
    # The stand-in for virt among QEMU's machines: no chipset, PCIe, ACPI.
    "microvm": "microvm,pcie=on,acpi=on,rtc=on,isa-serial=on",
}


class GuestError(AssertionError):
    """A guest did not do what was expected; the text holds its console."""


class Env:
    """What run.py found on the host, handed to a case."""

    def __init__(self, values: Dict[str, Any]) -> None:
        self.binary: str = values["binary"]
        self.machine: str = values["machine"]
        self.files: Dict[str, str] = values["files"]
        # Patience: each time-out is multiplied by it.
        self.slow: float = values.get("slow", 1)
        # Socket paths have to be short.
        place = "/run" if os.access("/run", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="case-", dir=place)

    @staticmethod
    def from_environment() -> "Env":
        return Env(json.loads(os.environ["NEMU_CASE_ENV"]))

    def file(self, name: str) -> str:
        """Path of something the case asked for with needs=."""
        return self.files[name]

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def new_disk(self, name: str, size_mib: int) -> str:
        path = self.path(name)
        with open(path, "wb") as out:
            out.truncate(size_mib << 20)
        return path

    @contextlib.contextmanager
    def guest(self, **options: Any) -> Iterator["Guest"]:
        """Start a guest; see Guest for the options."""
        guest = Guest(self, **options)
        try:
            yield guest
        finally:
            guest.close()


def script_initrd(env: Env, base: str, script: str) -> str:
    """An initramfs with a script for guest-init to run."""
    extra = Archive()
    extra.file("script", script.encode(), 0o755)
    path = env.path("initrd-%d" % len(os.listdir(env.folder)))
    with open(path, "wb") as out, open(base, "rb") as first:
        out.write(first.read())
        out.write(extra.bytes())
    return path


class Guest:
    """A process of the hypervisor with its console and monitor.

    kernel     "bzimage", "pvh", a path, or None for no direct boot
    script     shell script the tiny guest runs (guest-init)
    root       disk with a whole system to switch to, as the guest names it
    initrd     path of another initramfs
    cpus, memory_mib, modules ("all" or a comma list), append
    args       more arguments for the command line
    binary, machine   other than those under test
    """

    def __init__(self, env: Env, kernel: Optional[str] = "bzimage",
                 script: Optional[str] = None, root: Optional[str] = None,
                 initrd: Optional[str] = None, cpus: int = 1,
                 memory_mib: int = 256, modules: str = "all",
                 append: str = "", args: Sequence[str] = (),
                 binary: Optional[str] = None,
                 machine: Optional[str] = None) -> None:
        self._slow = env.slow
        self.output = ""
        self._at = 0                    # how far expect() has looked
        self.qmp_path = env.path("qmp-%d" % len(os.listdir(env.folder)))
        machine = machine or env.machine
        command = [binary or env.binary,
                   "-M", MACHINES.get(machine, machine) + ",accel=kvm",
                   "-cpu", "host", "-m", str(memory_mib), "-smp", str(cpus),
                   "-nodefaults", "-no-user-config", "-display", "none",
                   "-serial", "stdio",
                   "-qmp", "unix:%s,server=on,wait=off" % self.qmp_path]
        if kernel:
            path = env.files.get({"pvh": "vmlinux"}.get(kernel, kernel))
            command += ["-kernel", path or kernel]
            words = [APPEND, "guest.modules=" + modules]
            if root:
                words.append("guest.root=" + root)
            command += ["-append", " ".join(words + [append]).strip()]
            initrd = initrd or env.file("guest")
            if script is not None:
                initrd = script_initrd(env, initrd, script)
            command += ["-initrd", initrd]
        self.command = command + list(args)
        self._qmp: Optional[QMPClient] = None
        self._errors = tempfile.TemporaryFile("w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors)

    @property
    def qmp(self) -> QMPClient:
        if self._qmp is None:
            self._qmp = QMPClient(self.qmp_path, alive=self.alive,
                                  slow=self._slow)
        return self._qmp

    def alive(self) -> bool:
        return self.process.poll() is None

    def errors(self) -> str:
        """What the process wrote to standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def fail(self, text: str) -> GuestError:
        return GuestError("%s\n--- command\n%s\n--- stderr\n%s\n--- console\n%s"
                          % (text, shlex.join(self.command), self.errors(),
                             self.output[-4000:]))

    def _read(self, timeout: float) -> bool:
        """Take what the console has; False when it was closed."""
        assert self.process.stdout
        fd = self.process.stdout.fileno()
        ready, _, _ = select.select([fd], [], [], max(0.0, timeout))
        if not ready:
            return True
        data = os.read(fd, 1 << 16)
        self.output += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern: str, timeout: float = 120) -> "re.Match[str]":
        """Wait for a pattern on the console, from the last match on.

        Only whole lines are looked at. Errors: GuestError.
        """
        timeout *= self._slow
        end = time.monotonic() + timeout
        opened = True
        while True:
            whole = self.output.rfind("\n") + 1 if opened else None
            found = re.compile(pattern, re.MULTILINE).search(
                self.output[:whole], self._at)
            if found:
                self._at = found.end()
                return found
            if not opened:
                raise self.fail("ended without '%s', status %s" % (
                    pattern, self.process.wait(30)))
            if time.monotonic() > end:
                raise self.fail("no '%s' on the console in %g s\n%s" % (
                    pattern, timeout, busy.report()))
            opened = self._read(end - time.monotonic())

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def shell(self, command: str, timeout: float = 180) -> str:
        """Run a command in the root shell of a full system.

        Errors: GuestError when its exit status is not zero.
        """
        mark = "done%d" % self._at
        self.send("%s; echo %s'' $?\n" % (command, mark + "-"))
        start = self._at
        found = self.expect(r"%s- (\d+)$" % mark, timeout)
        text = self.output[start:found.start()]
        if found.group(1) != "0":
            raise self.fail("'%s' failed in the guest: %s" % (command, text))
        return text

    def wait(self, timeout: float = 120, status: int = 0) -> str:
        """Wait for the process to end by itself; returns the console.

        Errors: GuestError when it does not, or with another status.
        """
        timeout *= self._slow
        end = time.monotonic() + timeout
        while self._read(end - time.monotonic()):
            if time.monotonic() > end:
                raise self.fail("still running after %g s\n%s" % (
                    timeout, busy.report()))
        got = self.process.wait(max(1.0, end - time.monotonic()))
        if got != status:
            raise self.fail("exit status %d instead of %d" % (got, status))
        return self.output

    def finish(self, timeout: float = 180) -> str:
        """Wait for the script's end and power-off; returns the console.

        Errors: GuestError when the script failed.
        """
        found = self.expect(r"^GUEST-RC (\d+)$", timeout)
        if found.group(1) != "0":
            raise self.fail("the guest's script failed: " + found.group(1))
        return self.wait(60)

    def close(self) -> None:
        if self._qmp:
            self._qmp.close()
        if self.alive():
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._errors.close()


def disk_args(path: str, name: str = "disk0", iothread: bool = False,
              aio: str = "threads", direct: bool = False) -> List[str]:
    """A virtio disk on a raw file or block device, served on request by an
    I/O thread of its own."""
    driver = "host_device" if path.startswith("/dev/") else "file"
    node = {"driver": "raw", "node-name": name + "-node",
            "file": {"driver": driver, "filename": path, "aio": aio},
            "cache": {"direct": direct, "no-flush": False}}
    args = ["-blockdev", json.dumps(node)]
    device = "virtio-blk-pci,drive=%s-node,id=%s,serial=%s" % (name, name,
                                                               name)
    if iothread:
        args += ["-object", "iothread,id=%s-thread" % name]
        device += ",iothread=%s-thread" % name
    return args + ["-device", device]


def result_disk(env: Env) -> List[str]:
    """A disk on which the guest leaves files: `tar c ... > /dev/vdX`."""
    path = env.new_disk("results.raw", 16)
    return disk_args(path, "results")


def read_results(env: Env) -> str:
    """Unpack what the guest left; returns the folder."""
    folder = env.path("results")
    os.makedirs(folder)
    subprocess.run(["tar", "xf", env.path("results.raw"), "-C", folder],
                   check=True, stdin=subprocess.DEVNULL)
    return folder
