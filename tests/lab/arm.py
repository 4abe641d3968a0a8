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
from typing import Dict, List, Set

# pylint: disable=wrong-import-position
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import arm_disk                                                 # noqa: E402
import armbox                                                   # noqa: E402
from arm_cases import (APPEND, CASES, DEFAULT_KERNEL, FIRMWARE_FILES,
                       FIRMWARE_PACKAGE, FLASH, FLASH_BYTES, GUEST, NEMU,
                       Case)                                    # noqa: E402
from cache import Skip, cached, file_digest, file_identity      # noqa: E402
from cpio import Archive                                        # noqa: E402
from debs import Kernel, run                                    # noqa: E402
from images import GUEST_MODULES, add_modules, need_busybox     # noqa: E402
from images import source, start_archive, write                 # noqa: E402

SYSROOT_SCRIPT = os.path.join(TOP, "scripts", "arm64-sysroot.sh")
# With GICv2 there is nothing newer that has one.
OUTER_CPU = {2: "neoverse-n1", 3: "max,sve-max-vq=4,pauth-impdef=on"}
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


def guest_files(case: Case, folder: str) -> str:
    """Shell commands that lay out what NEMU opens for a case."""
    base = "/guest.cpio" if case.kernel == DEFAULT_KERNEL else \
        "/kernels/%s.cpio" % case.kernel
    files = "cat %s /%s/guest.cpio > /tmp/guest.cpio\n" \
        "dd if=/dev/zero of=/tmp/disk bs=1M count=16 2>/dev/null\n" \
        "rm -f /tmp/out; touch /tmp/out\n" % (base, folder)
    if case.firmware:
        files += "for bank in code vars; do\n" \
            "    cat /$bank > /tmp/$bank; truncate -s %d /tmp/$bank\n" \
            "done\n" % FLASH_BYTES
    return files


def start_script(case: Case, folder: str) -> str:
    """Shell script that starts NEMU; the guest's console is what it prints.

    What NEMU says itself follows: it would break the guest's lines.
    """
    if case.command:
        return case.command
    kernel = "/Image" if case.kernel == DEFAULT_KERNEL else \
        "/kernels/" + case.kernel
    if case.image != "Image":
        kernel = "/kernels/" + case.image
    start = " ".join([NEMU, GUEST, case.args, FLASH if case.firmware else ""])
    if not case.disk:
        start += " -kernel %s -initrd /tmp/guest.cpio %s" % (kernel,
                                                             APPEND % "all")
    if case.steps:
        run_it = "(%s\n) | %s" % (monitor_steps(case), start.replace(
            "-serial stdio", "-serial file:/tmp/out -monitor stdio"))
    else:
        run_it = " && ".join([start] * case.starts)
    return guest_files(case, folder) + "(%s\n) 2>/tmp/err\n" \
        "rc=$?; cat /tmp/out /tmp/err; exit $rc\n" % run_it


def add_kernels(archive: Archive, cases: List[Case]) -> None:
    """What only some cases start from."""
    default = fetch_kernel(DEFAULT_KERNEL)
    for flavour in sorted({c.kernel for c in cases} - {DEFAULT_KERNEL}):
        kernel = fetch_kernel(flavour)
        archive.copy("kernels/" + flavour, kernel.bzimage)
        archive.copy("kernels/%s.cpio" % flavour, guest_initramfs(kernel))
    for image in sorted({c.image for c in cases} - {"Image"}):
        archive.copy("kernels/" + image,
                     arm_disk.packed_kernel(default.bzimage, image))
    if any(c.arm32 for c in cases):
        with open(os.path.join(unpack("qemu-efi-arm"), "usr/share/AAVMF",
                               "AAVMF32_CODE.fd"), "rb") as flash:
            archive.file("arm32", flash.read().rstrip(b"\0"))
    if any(c.disk for c in cases):
        archive.copy("esp", arm_disk.boot_disk(
            default.bzimage, guest_initramfs(default),
            os.path.join(unpack("systemd-boot-efi"),
                         "usr/lib/systemd/boot/efi/systemd-bootaa64.efi"),
            os.path.join(unpack("busybox-static"), "bin", "busybox")))


def case_files(cases: List[Case]) -> bytes:
    """A second initramfs: the script of each case and its guest's."""
    archive = Archive()
    add_kernels(archive, cases)
    for number, case in enumerate(cases):
        script = Archive()
        script.file("script", case.script.encode(), 0o755)
        folder = "cases/%02d" % number
        archive.file(folder + "/guest.cpio", script.bytes())
        archive.file(folder + "/run", start_script(case, folder).encode(),
                     0o755)
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
