#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot Debian's arm64 kernel in NEMU, inside an emulated Arm machine with KVM.

    arm.py [--list] [-k PATTERN] [--build-dir DIR] [--after SUMMARY]

QEMU's emulated machine has EL2, so its kernel has /dev/kvm. One outer machine
for each kind runs all its cases, one after another: its initramfs brings
NEMU, the libraries it needs, the guest's kernel and initramfs. The last line
is "N passed, N failed, N skipped", with what the file SUMMARY counts already;
consoles are left in <build>/lab-logs.
"""
import argparse
import fnmatch
import os
import re
import subprocess
import sys
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

# pylint: disable=wrong-import-position
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import armbox                                                   # noqa: E402
from cache import Skip, cached, file_digest, file_identity      # noqa: E402
from cpio import Archive                                        # noqa: E402
from debs import Kernel, run                                    # noqa: E402
from images import GUEST_MODULES, add_modules, need_busybox     # noqa: E402
from images import source, start_archive, write                 # noqa: E402

SYSROOT_SCRIPT = os.path.join(TOP, "scripts", "arm64-sysroot.sh")
# Boots fastest, but knows no key on a GPIO.
DEFAULT_KERNEL = "cloud-arm64"
# With GICv2 there is nothing newer that has one.
OUTER_CPU = {2: "neoverse-n1", 3: "max,sve-max-vq=4,pauth-impdef=on"}
NEMU = "/bin/nemu -nodefaults -display none -serial stdio -no-user-config"
GUEST = "-accel kvm -cpu host -m 256 -kernel /Image -initrd /guest.cpio"
DISK = "-drive if=none,id=d,format=raw,file=/tmp/disk " \
    "-device virtio-blk-pci,drive=d"
NET = "-netdev user,id=n -device virtio-net-pci,netdev=n,romfile="
MMIO_DEVICES = "-drive if=none,id=d,format=raw,file=/tmp/disk " \
    "-device virtio-blk-device,drive=d,iothread=t -netdev user,id=n " \
    "-device virtio-net-device,netdev=n -device virtio-rng-device"
# Debian's AAVMF, kept without the zeros that pad its files.
FLASH = "-drive if=pflash,format=raw,readonly=on,file=/tmp/code " \
    "-drive if=pflash,format=raw,file=/tmp/vars"
FIRMWARE_PACKAGE = "qemu-efi-aarch64"
FIRMWARE_FILES = {"code": "AAVMF_CODE.fd", "vars": "AAVMF_VARS.fd"}
FLASH_BYTES = 64 << 20
APPEND = "-append 'console=ttyAMA0 quiet panic=-1 guest.modules=%s'"

# What the guest does: each line that it prints is looked for.
CHECK_DEVICES = """
dd if=/dev/urandom of=/tmp/x bs=64k count=16 2>/dev/null
dd if=/tmp/x of=/dev/vda bs=64k 2>/dev/null; sync
echo 3 > /proc/sys/vm/drop_caches
dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /tmp/x && echo DISK-OK
ifconfig eth0 10.0.2.15 up && ping -c 2 -W 5 10.0.2.2 >/dev/null && echo NET-OK
dd if=/dev/hwrng bs=16 count=1 2>/dev/null | wc -c | grep -q 16 && echo RNG-OK
dmesg | grep -iE 'its|v2m|gic' | grep -iE 'fail|unable|error|warn'
date +%Y | grep -q '^20[2-9]' && echo CLOCK-OK
"""
CHECK_SMP = """
for c in 0 1 2 3; do
    taskset -c $c true && echo CPU-OK $c
done
"""
# Two busy CPUs on one of the host: each misses half.
CHECK_STEAL = """
dmesg | grep -q 'using stolen time PV' && echo PV-OK
for c in 0 1; do taskset -c $c timeout 4 sh -c 'while :; do :; done' & done
wait
[ "$(awk '/^cpu /{print $9}' /proc/stat)" -gt 100 ] && echo STEAL-OK
head -1 /proc/stat
"""
# What the CPU has by default on this host, and what was turned off.
CHECK_FEATURES = """
grep -m 1 Features /proc/cpuinfo
grep -q ' sve' /proc/cpuinfo && echo SVE-ON
grep -q ' paca' /proc/cpuinfo && echo PAUTH-ON
dmesg | grep -E 'perfevents|vector length'
"""
# The power button, as Linux knows it from the device tree.
CHECK_POWER = """
modprobe gpio_keys; modprobe evdev
while [ ! -e /dev/input/event0 ]; do sleep 0.2; done
exec 3</dev/input/event0               # events before this are not seen
echo READY-POWER
timeout 60 dd bs=24 count=1 <&3 2>/dev/null > /tmp/event
hexdump -v -e '12/2 "%04x " "\\n"' /tmp/event
hexdump -v -e '12/2 "%04x "' /tmp/event | grep -q '0001 0074 0001' &&
    echo KEY-OK
"""
# While the VM stands still its time does, too.
CHECK_CONTROL = """
if [ "$(dd if=/dev/vda bs=5 count=1 2>/dev/null)" = again ]; then
    echo SECOND-BOOT
    exit 0
fi
printf again | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync
a=$(cut -d. -f1 /proc/uptime)
echo READY-STOP; sleep 3
b=$(cut -d. -f1 /proc/uptime)
[ $((b - a)) -ge 3 ] && [ $((b - a)) -le 6 ] && echo TIME-OK
echo READY-RESET; sleep 100
"""
CHECK_EFI = """
[ -d /sys/firmware/efi ] && echo EFI-OK
"""
CHECK_TREE = CHECK_EFI + """
[ -d /proc/device-tree/pcie@10000000 ] && ! [ -d /sys/firmware/acpi ] &&
    echo TREE-OK
"""
CHECK_ACPI = CHECK_EFI + """
[ -f /sys/firmware/acpi/tables/DSDT ] && ! [ -d /proc/device-tree/psci ] &&
    echo ACPI-OK
dmesg | grep -i acpi | grep -iE 'error|warn|bug'
"""
CHECK_VARIABLE = """
modprobe efivarfs
mount -t efivarfs none /sys/firmware/efi/efivars
v=/sys/firmware/efi/efivars/Nemu-3a5b1e1c-6f1d-4f0e-9d52-6b1f3c2d4e5f
if [ "$(tail -c 4 $v 2>/dev/null)" = kept ]; then
    echo VARIABLE-KEPT
else
    printf '\\007\\0\\0\\0kept' > $v && echo VARIABLE-WRITTEN
fi
"""
CHECK_NUMA = """
cd /sys/devices/system/node
for n in node*; do
    echo "NODE $n cpus $(cat $n/cpulist) distance $(cat $n/distance)"
done
"""
# 250 makes guest-init reboot; the disk tells that it did.
CHECK_REBOOT = """
if [ "$(dd if=/dev/vda bs=5 count=1 2>/dev/null)" = again ]; then
    echo SECOND-BOOT
    exit 0
fi
printf again | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync
exit 250
"""


# While the machine is saved, reset and loaded: timers must come when they are
# due, on each CPU, and devices go on.
STATE = "-device state-testdev,period-ms=1000 -m 96 "
CHECK_STATE = """
for n in 1 2 3 4; do
    for c in 0 1; do taskset -c $c sleep 0.3; done
    [ "$(dd if=/dev/vda bs=64k count=16 2>/dev/null | wc -c)" = 1048576 ] &&
        echo READ-OK $n
done
echo 0 > /sys/devices/system/cpu/cpu1/online && sleep 2 &&
    echo 1 > /sys/devices/system/cpu/cpu1/online && taskset -c 1 true &&
    echo POWER-OK
a=$(cut -d. -f1 /proc/uptime); sleep 2; b=$(cut -d. -f1 /proc/uptime)
[ $((b - a)) -ge 2 ] && [ $((b - a)) -le 4 ] && echo TIME-OK
dmesg | grep -iE 'stall|lockup|hung|clocksource.*unstable|BUG|timed out'
""" + CHECK_DEVICES + "echo STATE-DONE\n"
STATE_EXPECT = ["state saved and loaded: time [3-9]", "READ-OK 4",
                "POWER-OK", "TIME-OK",
                "DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK", "STATE-DONE"]


class Case(NamedTuple):
    """One start of NEMU: its arguments, what the guest runs and prints."""
    name: str
    gic: int                            # of the outer machine
    args: str
    script: str
    expect: List[str]
    command: str = ""                   # instead of a guest's start
    # what the guest prints, and the monitor's commands that follow then, with
    # seconds to wait between them
    steps: Sequence[Tuple[str, Sequence]] = ()
    kernel: str = DEFAULT_KERNEL
    firmware: bool = False
    starts: int = 1                     # with the same disk and flash


# As clients find out what the host has, without a machine.
PROBE = """printf '%s\n' '{"execute":"qmp_capabilities"}' \
    '{"execute":"query-kvm"}' '{"execute":"query-gic-capabilities"}' \
    '{"execute":"query-cpu-model-expansion","arguments":{"type":"full","model":{"name":"host"}}}' \
    '{"execute":"quit"}' | nemu -nodefaults -M none,accel=kvm:tcg -qmp stdio
"""

CASES = [
    Case("probe/gicv3", 3, "", "", [
        '"enabled":true', '"version":3,[^}]*"kernel":true',
        '"version":2,[^}]*"kernel":false', '"kvm-steal-time":true',
        '"sve512":true', '"sve640":false', '"pauth":true',
        '"pmu":true'], PROBE),
    Case("probe/gicv2", 2, "", "", [
        '"version":2,[^}]*"kernel":true',
        '"version":3,[^}]*"kernel":false'], PROBE),
    Case("boot/gicv3/1-cpu", 3, "-M virt -smp 1", "", ["GUEST-UP .* cpus 1"]),
    Case("boot/gicv3/4-cpus", 3, "-M virt -smp 4", CHECK_SMP,
         ["GUEST-UP .* cpus 4"] + ["CPU-OK %d" % n for n in range(4)]),
    Case("boot/gicv3/devices", 3, "-M virt " + DISK + " " + NET +
         " -device virtio-rng-pci", CHECK_DEVICES,
         ["DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK"]),
    Case("boot/gicv3/mmio", 3, "-M virt -smp 2 -object iothread,id=t " +
         MMIO_DEVICES, CHECK_DEVICES,
         ["DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK"]),
    Case("boot/gicv3/numa", 3, "-M virt -smp 2 "
         "-object memory-backend-ram,id=m0,size=160M "
         "-object memory-backend-ram,id=m1,size=96M "
         "-numa node,cpus=0,memdev=m0 -numa node,cpus=1,memdev=m1 "
         "-numa dist,src=0,dst=1,val=21", CHECK_NUMA,
         ["NODE node0 cpus 0 distance 10 21",
          "NODE node1 cpus 1 distance 21 10"]),
    Case("boot/gicv3/steal-time", 3, "-M virt -smp 2", CHECK_STEAL,
         ["PV-OK", "STEAL-OK"]),
    Case("cpu/features", 3, "-M virt", CHECK_FEATURES,
         ["SVE-ON", "PAUTH-ON", "perfevents: enabled with armv8_pmuv3",
          "maximum available vector length 64 bytes"]),
    Case("cpu/features-less", 3, "-M virt -cpu "
         "host,pmu=off,pauth=off,sve256=on", CHECK_FEATURES,
         ["(?s)^(?!.*PAUTH-ON)(?!.*perfevents).*SVE-ON",
          "maximum available vector length 32 bytes"]),
    Case("cpu/features-refused", 3, "", "", [
        "cannot enable sve640: this host does not have it",
        "cannot enable sve128: SVE is off",
        "aarch64=off: -kernel takes arm64", "REFUSED 3"],
        "\n".join("nemu -M virt -accel kvm -display none -kernel /Image "
                  "-cpu host,%s; "
                  "n=$((n + $?))" % p for p in ("sve640=on",
                                                "sve=off,sve128=on",
                                                "aarch64=off")) +
        "\necho REFUSED $n\n"),
    Case("control/power-button", 3, "-M virt", CHECK_POWER, ["KEY-OK"],
         steps=[("READY-POWER", ["system_powerdown"])], kernel="arm64"),
    Case("control/stop-cont-reset", 3, "-M virt -smp 2 " + DISK,
         CHECK_CONTROL, ["VM status: paused", "TIME-OK", "SECOND-BOOT"],
         steps=[("READY-STOP", ["stop", 6, "info status", "cont"]),
                ("READY-RESET", ["system_reset"])]),
    Case("state/gicv3", 3, "-M virt -smp 2 " + STATE + DISK + " " + NET +
         " -device virtio-rng-pci", CHECK_STATE, STATE_EXPECT),
    Case("state/gicv3/mmio", 3, "-M virt -smp 2 -object iothread,id=t -cpu "
         "host,kvm-no-adjvtime=on " + STATE + MMIO_DEVICES, CHECK_STATE, STATE_EXPECT),
    Case("boot/gicv3/reboot", 3, "-M virt -smp 2 " + DISK, CHECK_REBOOT,
         ["GUEST-RC 250", "SECOND-BOOT"]),
    Case("boot/gicv2/1-cpu", 2, "-M virt,gic-version=2", "",
         ["GUEST-UP .* cpus 1"]),
    Case("boot/gicv2/devices", 2, "-M virt,gic-version=2 -smp 2 " + DISK +
         " " + NET + " -device virtio-rng-pci", CHECK_DEVICES,
         ["DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK"]),
    Case("boot/gicv2/mmio", 2, "-M virt,gic-version=2 -smp 2 -object "
         "iothread,id=t " + MMIO_DEVICES, CHECK_DEVICES,
         ["DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK"]),
    Case("state/gicv2", 2, "-M virt,gic-version=2 -smp 2 " + STATE + DISK +
         " " + NET + " -device virtio-rng-pci", CHECK_STATE, STATE_EXPECT),
    Case("boot/gicv2/reboot", 2, "-M virt,gic-version=2 " + DISK,
         CHECK_REBOOT, ["GUEST-RC 250", "SECOND-BOOT"]),
    Case("firmware/gicv3/tree", 3, "-M virt,acpi=off " + DISK, CHECK_TREE,
         ["GUEST-UP .* cpus 1", "EFI-OK", "TREE-OK"], firmware=True),
    Case("firmware/gicv3/acpi", 3, "-M virt -smp 4 " + DISK + " " + NET +
         " -device virtio-rng-pci", CHECK_ACPI + CHECK_DEVICES,
         ["GUEST-UP .* cpus 4", "EFI-OK", "ACPI-OK", "DISK-OK", "NET-OK",
          "RNG-OK", "CLOCK-OK"], firmware=True),
    Case("firmware/gicv3/variable", 3, "-M virt", CHECK_VARIABLE,
         ["VARIABLE-WRITTEN", "VARIABLE-KEPT"], firmware=True, starts=2),
    Case("firmware/gicv3/reboot", 3, "-M virt " + DISK, CHECK_REBOOT,
         ["GUEST-RC 250", "SECOND-BOOT"], firmware=True),
    Case("firmware/gicv3/power-button", 3, "-M virt", CHECK_POWER, ["KEY-OK"],
         steps=[("READY-POWER", ["system_powerdown"])], firmware=True),
    Case("firmware/gicv2/acpi", 2, "-M virt,gic-version=2 " + DISK + " " +
         NET + " -device virtio-rng-pci", CHECK_ACPI + CHECK_DEVICES,
         ["GUEST-UP .* cpus 1", "EFI-OK", "ACPI-OK", "DISK-OK", "NET-OK",
          "RNG-OK", "CLOCK-OK"], firmware=True),
]


def unpack(*names: str) -> str:
    """Folder with arm64 packages alone. Errors: Skip."""
    return run([SYSROOT_SCRIPT, "--only", *names]).strip()


def fetch_kernel(flavour: str) -> Kernel:
    kernel = Kernel(unpack("linux-image-" + flavour))
    if not os.path.exists(os.path.join(kernel.modules, "modules.dep")):
        run(["busybox", "depmod", "-b", kernel.tree, kernel.version])
    return kernel


def add_arm_busybox(archive: Archive) -> None:
    path = os.path.join(unpack("busybox-static"), "bin", "busybox")
    archive.copy("bin/busybox", path, 0o755)
    for applet in set(run([need_busybox(), "--list"]).split()) - {"busybox"}:
        archive.link("bin/" + applet, "busybox")


def guest_initramfs(kernel: Kernel) -> str:
    modules = GUEST_MODULES + ["efivarfs"] + (["gpio_keys"] if os.path.exists(os.path.join(
        kernel.modules, "kernel/drivers/input/keyboard/gpio_keys.ko")) else [])

    def build(path: str) -> None:
        archive = start_archive(source("guest-init"))
        add_arm_busybox(archive)
        add_modules(archive, kernel, modules)
        write(path, archive.bytes())
    return cached("arm-guest", ".cpio", [
        kernel.tree, " ".join(modules),
        file_digest(source("guest-init"))], build)


# ---- The outer machine ----

def libraries(program: str, sysroot: str) -> Dict[str, str]:
    """Names of the shared libraries a program needs, and their files."""
    found: Dict[str, str] = {}
    todo = [program]
    while todo:
        text = run(["readelf", "-d", todo.pop()])
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
            for folder in ("usr/lib/aarch64-linux-gnu", "usr/lib"):
                path = os.path.join(sysroot, folder, name)
                if name not in found and os.path.exists(path):
                    found[name] = os.path.realpath(path)
                    todo.append(path)
    return found


def outer_initramfs(binary: str, image: str, guest: str) -> str:
    sysroot = run([SYSROOT_SCRIPT]).strip()
    firmware = os.path.join(unpack(FIRMWARE_PACKAGE), "usr/share/AAVMF")

    def build(path: str) -> None:
        archive = start_archive(source("arm-outer-init"))
        add_arm_busybox(archive)
        archive.copy("bin/nemu", binary, 0o755)
        for name, library in libraries(binary, sysroot).items():
            folder = "lib/" if name.startswith("ld-") else \
                "lib/aarch64-linux-gnu/"
            archive.copy(folder + name, library, 0o755)
        archive.copy("Image", image)
        archive.copy("guest.cpio", guest)
        for name, file in FIRMWARE_FILES.items():
            with open(os.path.join(firmware, file), "rb") as flash:
                archive.file(name, flash.read().rstrip(b"\0"))
        write(path, archive.bytes())
    return cached("arm-outer", ".cpio", [
        file_identity(binary), image, guest, sysroot, firmware,
        file_digest(source("arm-outer-init"))], build)


def monitor_steps(case: Case) -> str:
    """Shell commands that say to the monitor what the case wants, and when."""
    lines = []
    for mark, commands in case.steps:
        lines.append("until grep -q %s /tmp/out; do sleep 0.3; done" % mark)
        lines += ["sleep %d" % c if isinstance(c, int) else "echo " + c
                  for c in commands]
    return "\n".join(lines)


def start_script(case: Case, folder: str) -> str:
    """Shell script that starts NEMU; the guest's console is what it prints."""
    if case.command:
        return case.command
    image = "/%s/Image" % folder if case.kernel != DEFAULT_KERNEL else "/Image"
    base = image.replace("Image", "base.cpio") \
        if case.kernel != DEFAULT_KERNEL else "/guest.cpio"
    guest = GUEST.replace("/guest", "/tmp/guest").replace("/Image", image)
    start = " ".join([NEMU, guest, case.args, FLASH if case.firmware else "",
                      APPEND % "all"])
    files = "cat %s /%s/guest.cpio > /tmp/guest.cpio\n" \
        "dd if=/dev/zero of=/tmp/disk bs=1M count=16 2>/dev/null\n" \
        "rm -f /tmp/out; touch /tmp/out\n" % (base, folder)
    if case.firmware:
        files += "for bank in code vars; do\n" \
            "    cat /$bank > /tmp/$bank; truncate -s %d /tmp/$bank\n" \
            "done\n" % FLASH_BYTES
    if not case.steps:
        return files + " && ".join([start] * case.starts) + "\n"
    return files + "(%s\n) | %s\nrc=$?; cat /tmp/out; exit $rc\n" % (
        monitor_steps(case), start.replace(
            "-serial stdio", "-serial file:/tmp/out -monitor stdio"))


def case_files(cases: List[Case]) -> bytes:
    """A second initramfs: the script of each case and its guest's."""
    archive = Archive()
    for number, case in enumerate(cases):
        script = Archive()
        script.file("script", case.script.encode(), 0o755)
        folder = "cases/%02d" % number
        archive.file(folder + "/guest.cpio", script.bytes())
        archive.file(folder + "/run", start_script(case, folder).encode(),
                     0o755)
        if case.kernel != DEFAULT_KERNEL:
            kernel = fetch_kernel(case.kernel)
            archive.copy(folder + "/Image", kernel.bzimage)
            archive.copy(folder + "/base.cpio", guest_initramfs(kernel))
    return archive.bytes()


def run_outer(gic: int, cases: List[Case], initramfs: str,
              log: str) -> str:
    """Console of an outer machine that has run the cases."""
    kernel = fetch_kernel("arm64")
    both = log + ".cpio"
    with open(initramfs, "rb") as base:
        write(both, base.read() + case_files(cases))
    try:
        subprocess.run(armbox.command(kernel, both, "file:" + log, gic,
                                      OUTER_CPU[gic]),
                       stdin=subprocess.DEVNULL, check=True,
                       timeout=180 + 900 * len(cases))
    except FileNotFoundError:
        raise Skip("qemu-system-aarch64 is not installed") from None
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as err:
        print("outer machine: %s" % err)
    finally:
        os.unlink(both)
    with open(log, encoding="utf-8", errors="replace") as text:
        return text.read().replace("\r", "")


def verdict(case: Case, text: str) -> str:
    """What is wrong with a case's part of the console, or nothing."""
    for pattern in case.expect + ([] if case.command else ["GUEST-RC 0"]):
        if not re.search(pattern, text):
            return "'%s' is not in the guest's output" % pattern
    end = re.search(r"^CASE-END \S+ (\d+)$", text, re.MULTILINE)
    if not end or end[1] != "0":
        return "NEMU ended with status %s" % (end[1] if end else "unknown")
    return ""


def run_cases(gic: int, cases: List[Case], initramfs: str,
              folder: str) -> Set[str]:
    """Names of the cases that failed."""
    failed = set()
    log = os.path.join(folder, "arm-gicv%d.log" % gic)
    parts = run_outer(gic, cases, initramfs, log).split("CASE-START ")
    for number, case in enumerate(cases):
        mark = "%02d\n" % number
        text = next((p for p in parts if p.startswith(mark)), "")
        wrong = verdict(case, text) if text else "it did not start"
        print("%s %s%s" % ("FAILED" if wrong else "passed", case.name,
                           ": " + wrong if wrong else ""), flush=True)
        if wrong:
            failed.add(case.name)
    return failed


def close(passed: int, failed: int, skipped: int, after: str) -> None:
    """The closing line, preceded by the lab's own when there is more."""
    line = "%d passed, %d failed, %d skipped"
    print((line if not after else "lab: " + line) % (passed, failed, skipped))
    if after:
        with open(after, encoding="utf-8") as text:
            before = [int(n) for n in re.findall(r"\d+", text.read())]
        print(line % (before[0] + passed, before[1] + failed,
                      before[2] + skipped))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-k", dest="pattern", default="*")
    parser.add_argument("--build-dir", default="build-aarch64")
    parser.add_argument("--after", default="")
    args = parser.parse_args()
    pattern = args.pattern if "*" in args.pattern else "*%s*" % args.pattern
    cases = [c for c in CASES if fnmatch.fnmatch(c.name, pattern)]
    if args.list:
        print("\n".join(c.name for c in cases))
        return 0
    folder = os.path.abspath(os.path.join(args.build_dir, "lab-logs"))
    os.makedirs(folder, exist_ok=True)
    failed: Set[str] = set()
    try:
        kernel = fetch_kernel(DEFAULT_KERNEL)
        initramfs = outer_initramfs(
            os.path.join(args.build_dir, "qemu-system-nemu"), kernel.bzimage,
            guest_initramfs(kernel))
        for gic in sorted({c.gic for c in cases}):
            failed |= run_cases(gic, [c for c in cases if c.gic == gic],
                                initramfs, folder)
    except Skip as reason:
        print("no Arm lab here: %s" % reason)
        close(0, 0, len(cases), args.after)
        return 1
    close(len(cases) - len(failed), len(failed), 0, args.after)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
