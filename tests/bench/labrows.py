# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bench.py that boot stock kernels inside the lab."""
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
from cache import Skip                                 # noqa: E402

READS = 6000
FETCH_MIB = 24
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
    seen: Dict[str, List[float]] = {name: [] for name in commands}
    for turn in range(count + 1):
        for name, command in commands.items():
            before = machine.cpu_seconds()
            status, text = machine.run(shlex.join(command) +
                                       " 2>&1 </dev/null", timeout=180)
            if status or "BARE-INIT-OK" not in text:
                raise Skip("%s did not boot: %s" % (name, text[-300:]))
            if turn:
                seen[name].append(machine.cpu_seconds() - before)
    return {name: statistics.median(times) for name, times in seen.items()}


def measure(nemu: str, qemu: str, count: int) -> Dict[str, Dict[str, float]]:
    """All rows, by name: boot, blk, net."""
    import images
    from debs import fetch_kernel
    from outer import Outer, snapshot
    kernel = fetch_kernel("cloud-amd64")
    files = {"bzimage": kernel.bzimage, "vmlinux": kernel.vmlinux(),
             "bare": images.bare(), "guest": images.guest(kernel)}
    rates: Dict[str, Dict[str, List[float]]] = {"blk": {}, "net": {}}
    with Outer(snapshot=snapshot(), prealloc=True) as machine:
        boot = boots(machine, boot_commands(nemu, qemu, files), count)
        for _ in range(count):
            for name, binary, kind in (("nemu", nemu, "virt"),
                                       ("q35", qemu, "q35")):
                env = {"binary": binary, "machine": kind, "files": files}
                status, text = machine.run(
                    "NEMU_CASE_ENV=%s exec python3 -B %s" % (
                        shlex.quote(json.dumps(env)),
                        shlex.quote(os.path.abspath(__file__))), timeout=400)
                if status:
                    raise Skip("%s: %s" % (name, text[-600:]))
                for row, rate in json.loads(text.splitlines()[-1]).items():
                    rates[row].setdefault(name, []).append(rate)
    result = {row: {name: statistics.median(values)
                    for name, values in by_name.items()}
              for row, by_name in rates.items()}
    return dict(result, boot=boot)


def guest_script(port: int) -> str:
    """Times by the guest's clock: the console and the boot stay out."""
    return """
now() { cut -d' ' -f1 /proc/uptime; }
a=$(now); dd if=/dev/vda of=/dev/null bs=4k iflag=direct count=%(reads)d \\
    2>/dev/null || exit 1
b=$(now); echo "BLK $a $b"
ip link set eth0 up; ip addr add 192.168.77.2/24 dev eth0
wget -q -O /dev/null http://192.168.77.1:%(port)d/ || exit 2
a=$(now); wget -q -O /dev/null http://192.168.77.1:%(port)d/ || exit 3
b=$(now); echo "NET $a $b"
""" % {"reads": READS, "port": port}


def rates_inside() -> int:
    """Run in the outer machine for one program: prints the rates."""
    from guest import Env
    from test_network import ByteServer, network_args, tap
    env = Env.from_environment()
    server = ByteServer(bytes(FETCH_MIB << 20), "0.0.0.0")
    args = ["-object", "iothread,id=t0",
            "-blockdev", "driver=null-co,node-name=d0,size=67108864",
            "-device", "virtio-blk-pci,drive=d0,iothread=t0", "-no-reboot"]
    with tap("tap7"):
        with env.guest(script=guest_script(server.port), cpus=1,
                       args=args + network_args("tap")) as guest:
            blk = guest.expect(r"^BLK (\S+) (\S+)$", 200)
            net = guest.expect(r"^NET (\S+) (\S+)$", 200)
            guest.finish()
    print(json.dumps({
        "blk": READS / max(0.01, float(blk.group(2)) - float(blk.group(1))),
        "net": FETCH_MIB * 1.048576 / max(
            0.01, float(net.group(2)) - float(net.group(1)))}))
    return 0


if __name__ == "__main__":
    sys.exit(rates_inside())
