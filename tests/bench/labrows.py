# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bench.py that boot stock kernels inside the lab."""
import contextlib
import json
import os
import shlex
import statistics
import sys
from typing import Any, Dict, List

HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTIONAL = os.path.join(os.path.dirname(HERE), "functional")
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lab"), FUNCTIONAL]

# pylint: disable=wrong-import-position
from cache import Skip, cached, file_digest            # noqa: E402

READERS = 4
# What one turn of each row moves, and its unit: a second or two of CPU.
READS = 500                         # of each reader
FETCH_MIB = 48
SEND_MIB = 24
RANDOM = 3000                       # requests, 16 at a time
IMAGE_MIB = 48
AMOUNTS = {"blk": READS * READERS, "uring": READS * READERS,
           "qread": RANDOM, "qwrite": RANDOM,
           "fetch": FETCH_MIB * 1.048576, "send": SEND_MIB * 1.048576}
APPEND = ("console=ttyS0 quiet panic=-1 reboot=t tsc=reliable "
          "no_timer_check")


def boot_commands(nemu: str, qemu: str,
                  files: Dict[str, str]) -> Dict[str, List[str]]:
    """Each machine with each format; all else is the same for all of them."""
    machines = {"nemu": (nemu, "virt"), "microvm": (qemu, "microvm,rtc=on"),
                "q35": (qemu, "q35")}
    formats = {"bzImage": "bzimage", "PVH": "vmlinux"}
    return {name + " " + form: [
        binary, "-M", machine + ",accel=kvm", "-cpu", "host", "-m", "256",
        "-smp", "1", "-kernel", files[kernel], "-initrd", files["bare"],
        "-append", APPEND, "-nodefaults", "-display", "none",
        "-serial", "stdio", "-no-reboot"]
            for form, kernel in formats.items()
            for name, (binary, machine) in machines.items()}


def boots(machine: Any, commands: Dict[str, List[str]],
          count: int) -> Dict[str, float]:
    """CPU seconds of the outer machine, from program start to exit."""
    def cost(line: str, proof: str) -> float:
        before = machine.cpu_seconds()
        status, text = machine.run(line + " 2>&1 </dev/null", timeout=600)
        if status or proof not in text:
            raise Skip("%s failed: %s" % (line, text[-300:]))
        return machine.cpu_seconds() - before

    seen: Dict[str, List[float]] = {name: [] for name in commands}
    shell: List[float] = []
    for turn in range(count + 1):
        for name, command in commands.items():
            # The shell that starts the program is not the program's.
            shell.append(cost("echo shell", "shell"))
            taken = cost(shlex.join(command), "BARE-INIT-OK")
            if turn:
                seen[name].append(taken)
    start = statistics.median(shell)
    return {name: statistics.median(times) - start
            for name, times in seen.items()}


class Marks:
    """Takes a program's output and notes what the outer machine had used
    at each line "MARK row program begin" or "... end"."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._rest = ""
        self._begin = 0.0
        self.costs: Dict[str, Dict[str, List[float]]] = {}

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if not line.startswith("MARK "):
                continue
            row, name, what = line.split()[1:]
            now = self._machine.cpu_seconds()
            if what == "begin":
                self._begin = now
            else:
                self.costs.setdefault(row, {}).setdefault(name, []).append(
                    max(0.01, now - self._begin))

    def flush(self) -> None:
        """As a stream has it."""


def rates(machine: Any, programs: Dict[str, List[str]], files: Dict[str, str],
          turns: int) -> Dict[str, Dict[str, float]]:
    """What the programs move for each CPU second of the outer machine.

    programs: binary and machine type by name. Their guests run side by side
    and take turns of a second, and CPU time counts: what else the host does
    hits all of them alike.
    """
    marks = Marks(machine)
    env = {"binary": "", "machine": "", "files": files, "slow": 5}
    status, text = machine.run(
        "NEMU_CASE_ENV=%s exec python3 -B %s %d %s" % (
            shlex.quote(json.dumps(env)),
            shlex.quote(os.path.abspath(__file__)), turns,
            shlex.quote(json.dumps(programs))), timeout=600 + 120 * turns,
        stream=marks)
    if status:
        raise Skip(text[-600:])
    return {row: {name: AMOUNTS[row] / statistics.median(costs)
                  for name, costs in by_name.items()}
            for row, by_name in marks.costs.items()}


def inside(machine: Any, path: str) -> str:
    """A copy in the outer machine's own memory: its reads of our files cost
    as much as a tenth of a boot, each time."""
    copy = "/run/" + os.path.basename(path)
    status, text = machine.run("cp %s %s" % (shlex.quote(path),
                                             shlex.quote(copy)))
    if status:
        raise Skip(text)
    return copy


def disk_tools() -> Dict[str, str]:
    """What guests use disks with, and the outer machine's RAM disks."""
    from debs import fetch_kernel, run
    source = os.path.join(HERE, "randio.c")

    def build(path: str) -> None:
        run(["gcc", "-O2", "-static", "-o", path, source])
    return {"randio": cached("bench-randio", "", [file_digest(source)], build),
            "brd": os.path.join(fetch_kernel("amd64").modules,
                                "kernel/drivers/block/brd.ko")}


def measure(nemu: str, qemu: str, count: int) -> Dict[str, Dict[str, float]]:
    """All rows, by name: boot, and those of rates()."""
    import images
    from debs import fetch_kernel
    from outer import Outer, snapshot
    kernel = fetch_kernel("cloud-amd64")
    files = {"bzimage": kernel.bzimage, "vmlinux": kernel.vmlinux(),
             "bare": images.bare(), "guest": images.guest(kernel)}
    with Outer(snapshot=snapshot(), prealloc=True) as machine:
        copies = {name: inside(machine, path) for name, path in files.items()}
        boot = boots(machine, boot_commands(nemu, qemu, copies), count)
        result = rates(machine, {"nemu": [nemu, "virt"],
                                 "q35": [qemu, "q35"]},
                       dict(files, **disk_tools()), count)
    return dict(result, boot=boot)


def guest_script(net: int, port: int, sink: int) -> str:
    """Runs the row that it reads from the console, again and again."""
    return """
read_disk() {
    for i in $(seq %(readers)d); do
        dd if=$1 of=/dev/null bs=4k iflag=direct count=%(reads)d 2>/dev/null &
    done
    wait
}
host=192.168.%(net)d.1
ip link set eth0 up; ip addr add 192.168.%(net)d.2/24 dev eth0
echo 'exec dd if=/dev/zero bs=64k count=%(chunks)d 2>/dev/null' > /send
stty -echo
echo READY
while read row; do
    case $row in
    blk) read_disk /dev/vda ;;
    uring) read_disk /dev/vdb ;;
    qread) randio /dev/vdc read %(random)d || exit 3 ;;
    qwrite) randio /dev/vdc write %(random)d || exit 4 ;;
    fetch) wget -q -O /dev/null http://$host:%(port)d/ || exit 1 ;;
    send) nc $host %(sink)d -e sh /send || exit 2 ;;
    *) break ;;
    esac
    echo "DONE $row"
done
""" % {"readers": READERS, "reads": READS, "net": net, "port": port,
       "sink": sink, "chunks": SEND_MIB * 16, "random": RANDOM}


def make_images(env: Any, count: int) -> None:
    """A qcow2 image with data in all its clusters, on as many RAM disks."""
    from disks import PEER, run
    path = env.path("image")
    run([PEER, "create", "-q", "-f", "qcow2", path, "%dM" % IMAGE_MIB])
    run(["qemu-io", "-f", "qcow2", "-c", "write -P 1 0 %dM" % IMAGE_MIB, path])
    run(["busybox", "insmod", env.file("brd"), "rd_nr=%d" % count,
         "rd_size=%d" % (2 * IMAGE_MIB << 10)])
    for number in range(count):
        run(["dd", "if=" + path, "of=/dev/ram%d" % number, "bs=1M",
             "conv=fsync"])
    os.unlink(path)


def add_program(env: Any) -> None:
    """Put randio into the initramfs of the guests."""
    from cpio import Archive
    extra, path = Archive(), env.path("guest.cpio")
    extra.copy("bin/randio", env.file("randio"), 0o755)
    with open(path, "wb") as out, open(env.file("guest"), "rb") as base:
        out.write(base.read() + extra.bytes())
    env.files["guest"] = path


def guest_args(number: int) -> List[str]:
    def device(path: str) -> Dict[str, Any]:
        return {"driver": "host_device", "filename": path,
                "aio": "io_uring", "cache": {"direct": True}}
    nodes: List[Dict[str, Any]] = [
        {"driver": "null-co", "size": 64 << 20},
        device("/dev/vd" + "ab"[number]),
        {"driver": "qcow2", "file": device("/dev/ram%d" % number),
         "cache": {"direct": True}}]
    args = ["-no-reboot"]
    for i, node in enumerate(nodes):
        node["node-name"] = "d%d" % i
        args += ["-object", "iothread,id=t%d" % i,
                 "-blockdev", json.dumps(node), "-device",
                 "virtio-blk-pci,drive=d%d,iothread=t%d" % (i, i)]
    return args


def rates_inside(turns: int, programs: Dict[str, List[str]]) -> int:
    """Run in the outer machine: prints the marks."""
    from guest import Env, Guest
    from test_network import ByteServer, ByteSink, network_args, tap
    env = Env.from_environment()
    server = ByteServer(bytes(FETCH_MIB << 20), "0.0.0.0")
    sink = ByteSink("0.0.0.0")
    guests: Dict[str, Guest] = {}
    make_images(env, len(programs))
    add_program(env)
    with contextlib.ExitStack() as stack:
        for i, (name, (binary, machine)) in enumerate(programs.items()):
            device = "tap%d" % (7 + i)
            stack.enter_context(tap(device, "192.168.%d.1" % (77 + i)))
            guests[name] = stack.enter_context(env.guest(
                binary=binary, machine=machine,
                script=guest_script(77 + i, server.port, sink.port),
                args=guest_args(i) + network_args("tap", device)))
            guests[name].expect("^READY$")
        for turn in range(turns + 1):
            for row in AMOUNTS:
                for name, guest in guests.items():
                    mark = "MARK %s %s " % (row, name) if turn else "warm "
                    print(mark + "begin", flush=True)
                    guest.send(row + "\n")
                    guest.expect("^DONE %s$" % row)
                    print(mark + "end", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(rates_inside(int(sys.argv[1]), json.loads(sys.argv[2])))
