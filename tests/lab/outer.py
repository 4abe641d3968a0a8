# SPDX-License-Identifier: GPL-2.0-or-later
"""The outer machine (L1): where KVM works and tests may do anything.

It is a QEMU guest on an emulated CPU with SVM, running Debian's generic
kernel and a small initramfs with an agent. It sees the host's whole file
system read only over 9p, under an overlay in its own memory. A machine that
has booted is saved once; every later start continues from that snapshot.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from typing import List, Optional, Sequence, TextIO, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "functional"))

# pylint: disable=wrong-import-position
from cache import Skip, cached, file_identity          # noqa: E402
import images                                          # noqa: E402
from debs import fetch_kernel                          # noqa: E402
from qmp import QMPClient                              # noqa: E402

QEMU = "qemu-system-x86_64"
# Of a family that needs no thunk for each return: an emulator pays dearly for
# those, in the outer kernel and in every guest.
CPU = "EPYC,family=26,model=2,+svm,+npt"
MEMORY_MIB = 3072
AGENT_PORT = 7777
NUDGE_S = 2.0
START_MODULES = ("kvm_amd,9p,9pnet_virtio,overlay,tun,vhost_net,vhost_vsock,"
                 "bridge")
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """In a child: be killed when this program ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Disk:
    """A file of the host as a disk of the outer machine.

    Writes go to a temporary overlay: the file stays as it is.
    """

    def __init__(self, serial: str, path: Optional[str] = None,
                 size_mib: int = 64) -> None:
        self.serial = serial
        self.path = path
        self.size_mib = size_mib

    def arguments(self) -> List[str]:
        if self.path:
            drive = "if=none,id=%s,format=raw,snapshot=on,cache=unsafe," \
                    "file=%s" % (self.serial, self.path)
        else:
            drive = "if=none,id=%s,driver=null-co,size=%dM,read-zeroes=on" % (
                self.serial, self.size_mib)
        return ["-drive", drive, "-device",
                "virtio-blk-pci,drive=%s,serial=%s" % (self.serial,
                                                       self.serial)]


class Outer:
    """A running outer machine; use it in a with statement."""

    def __init__(self, disks: Sequence[Disk] = (), layers: Sequence[str] = (),
                 snapshot: Optional[str] = None, mount: bool = True,
                 prealloc: bool = False) -> None:
        """Start a machine and wait for its agent.

        disks: at most two, seen inside as /dev/disk/by-id and vda, vdb.
        layers: folders of the host laid over the root inside.
        snapshot: state to continue from; booted from scratch without.
        prealloc: have all its memory from the start. For measurements: a page
        used for the first time costs as much as 20 times its clearing.
        """
        if not shutil.which(QEMU):
            raise Skip("%s is not installed (make deps)" % QEMU)
        self.started = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix="nemu-lab-")
        self.port = free_port()
        self.console = os.path.join(self.folder, "console")
        self._layers = list(layers)
        self._prealloc = prealloc
        self._process = subprocess.Popen(
            self._command(list(disks), snapshot), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(os.path.join(self.folder, "stderr"), "w",
                        encoding="utf-8"), preexec_fn=die_with_parent)
        try:
            if snapshot:
                self._resume()
            self._wait_agent(bool(snapshot))
            if mount:
                self.mount()
        except BaseException:
            self.close()
            raise
        self.ready_s = time.monotonic() - self.started

    def _command(self, disks: List[Disk],
                 snapshot: Optional[str]) -> List[str]:
        kernel = fetch_kernel("amd64")
        command = [
            QEMU, "-M", "q35", "-accel", "tcg", "-cpu", CPU,
            "-m", str(MEMORY_MIB), "-smp", "1", "-nodefaults", "-no-reboot",
            "-display", "none",
            "-kernel", kernel.vmlinux(), "-initrd", images.outer(kernel),
            "-append", "console=ttyS0 panic=-1 quiet lab.modules=" +
            START_MODULES,
            "-serial", "file:" + self.console,
            "-qmp", "unix:%s/qmp,server=on,wait=off" % self.folder,
            "-netdev", "user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:%d-"
            "10.0.2.15:%d" % (self.port, AGENT_PORT),
            "-device", "virtio-net-pci,netdev=n0,romfile=",
            "-fsdev", "local,id=hr,path=/,security_model=none,readonly=on,"
            "multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=hr,mount_tag=hostroot"]
        # Always two, so that one snapshot fits every test.
        names = [d.serial for d in disks]
        for spare in ("spare0", "spare1")[len(names):]:
            disks.append(Disk(spare))
        for disk in disks:
            command += disk.arguments()
        if snapshot:
            command += ["-incoming", "exec:cat " + snapshot]
        if self._prealloc:
            command.append("-mem-prealloc")
        return command

    def _fail(self, text: str) -> RuntimeError:
        with open(os.path.join(self.folder, "stderr"),
                  encoding="utf-8") as log:
            return RuntimeError("%s\n%s%s" % (text, log.read(),
                                              self.console_text()[-3000:]))

    def _resume(self) -> None:
        client = self.qmp()
        while client.cmd("query-status")["status"] == "inmigrate":
            time.sleep(0.01)
        client.cmd("cont")
        client.close()

    def _wait_agent(self, restored: bool, timeout: float = 120) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise self._fail("the outer machine ended")
            # The user network accepts connections before the agent does.
            if not restored and "LAB-READY" not in self.console_text():
                time.sleep(0.02)
                continue
            try:
                self.run("#initramfs\ndate -s @%d" % time.time(), timeout=5)
                return
            except OSError:
                time.sleep(0.05)
        raise self._fail("the outer machine did not come up")

    def mount(self) -> None:
        status, text = self.run("#initramfs\nouter-mount " +
                                " ".join(self._layers))
        if status:
            raise self._fail("outer-mount failed: " + text)

    def qmp(self) -> QMPClient:
        return QMPClient(os.path.join(self.folder, "qmp"),
                         alive=lambda: self._process.poll() is None)

    def console_text(self) -> str:
        try:
            with open(self.console, errors="replace",
                      encoding="utf-8") as log:
                return log.read()
        except OSError:
            return ""

    def cpu_seconds(self) -> float:
        """CPU time the outer machine has used: steadier than wall time."""
        with open("/proc/%d/stat" % self._process.pid,
                  encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _nudge(self) -> None:
        """Make the machine take interrupts that its emulator forgot.

        One that arrives while a nested guest is entered may be lost sight of
        until the next comes. When it is the timer's, the machine stands still
        for a minute: the guest runs on, with its lock's holder never chosen.
        """
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()

    def run(self, script: str, timeout: float = 600,
            stream: Optional[TextIO] = None) -> Tuple[int, str]:
        """Run a shell script inside; returns exit status and output.

        Errors: OSError (socket.timeout when it took too long).
        """
        end = time.monotonic() + timeout
        output = bytearray()
        data = b""
        with socket.create_connection(("127.0.0.1", self.port),
                                      timeout=timeout) as conn:
            raw = script.encode()
            conn.sendall(struct.pack("<I", len(raw)) + raw)
            while True:
                left = end - time.monotonic()
                conn.settimeout(max(0.01, min(left, NUDGE_S)))
                try:
                    got = conn.recv(1 << 16)
                except socket.timeout:
                    if left <= 0:
                        raise
                    self._nudge()
                    continue
                if not got:
                    raise ConnectionError("the agent hung up")
                data += got
                while len(data) >= 5:
                    tag, value = struct.unpack_from("<cI", data)
                    if tag == b"X":
                        return value, output.decode(errors="replace")
                    if len(data) < 5 + value:
                        break
                    output += data[5:5 + value]
                    if stream:
                        stream.write(data[5:5 + value].decode(
                            errors="replace"))
                        stream.flush()
                    data = data[5 + value:]

    def save(self, path: str) -> None:
        """Write the machine's state to a file; it stays stopped."""
        self.run("#initramfs\nsync; echo 3 > /proc/sys/vm/drop_caches")
        client = self.qmp()
        client.cmd("migrate-set-parameters", max_bandwidth=10 << 30)
        client.cmd("stop")
        client.cmd("migrate", uri="exec:cat > " + path)
        while True:
            status = client.cmd("query-migrate").get("status")
            if status == "completed":
                client.close()
                return
            if status in ("failed", "cancelled"):
                raise self._fail("saving the snapshot failed")
            time.sleep(0.05)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Outer":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def snapshot() -> str:
    """Path of the state of a booted machine, made when needed."""
    qemu = shutil.which(QEMU)
    if not qemu:
        raise Skip("%s is not installed (make deps)" % QEMU)
    kernel = fetch_kernel("amd64")
    parts = [file_identity(qemu), kernel.vmlinux(), images.outer(kernel),
             CPU, str(MEMORY_MIB), START_MODULES, "layout 1"]

    def build(path: str) -> None:
        with Outer(mount=False) as machine:
            machine.save(path)
    return cached("outer", ".snapshot", parts, build)
