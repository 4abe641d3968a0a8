#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one bare-metal payload on /dev/kvm and judge how it ended.

Exit status: 0 passed, 1 failed, 77 skipped (no usable /dev/kvm), which meson
shows as such.
"""
import argparse
import os
import subprocess
import sys
import tempfile

PASS_CODE = 3       # isa-debug-exit: status 1 -> 1 << 1 | 1
SKIP = 77
# What virtio.c reads and writes on its disk.
DISK_BYTES = 1 << 20
HOST_TEXT = b"from the host\0"
GUEST_TEXT = b"from the guest\0"


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(SKIP)


def check_kvm():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as err:
        skip(f"/dev/kvm cannot be opened: {err.strerror}")


def suite_command(args):
    """The command line of the public KVM unit tests."""
    cmd = [args.binary, "-nodefaults", "-device", "pc-testdev",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4",
           "-vnc", "none", "-serial", "stdio", "-device", "pci-testdev",
           "-machine", "accel=kvm", "-kernel", args.payload,
           "-smp", str(args.smp)]
    if args.append:
        cmd += ["-append", args.append]
    return cmd + args.extra


def command(args, console):
    if args.suite:
        return suite_command(args)
    cmd = [args.binary, "-M", args.machine, "-m", args.memory,
           "-smp", str(args.smp), "-nodefaults", "-display", "none",
           "-chardev", f"file,id=debug,path={console}",
           "-device", "isa-debugcon,iobase=0x402,chardev=debug",
           "-device", "isa-debug-exit,iobase=0x501,iosize=1"]
    cmd += ["-bios" if args.bios else "-kernel", args.payload]
    if args.append:
        cmd += ["-append", args.append]
    return cmd + args.extra


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def make_disk(path):
    with open(path, "wb") as disk:
        disk.truncate(DISK_BYTES)
        disk.seek(512)
        disk.write(HOST_TEXT)
    return ["-blockdev", f"driver=file,node-name=disk,filename={path}"]


def disk_is_written(path):
    with open(path, "rb") as disk:
        return disk.read(len(GUEST_TEXT)) == GUEST_TEXT


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machine", default="virt,accel=kvm")
    parser.add_argument("--memory", default="128")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--append", default="")
    parser.add_argument("--initrd-text", help="contents of an initrd")
    parser.add_argument("--initrd-args", default="",
                        help="what follows its name")
    parser.add_argument("--disk", action="store_true",
                        help="a disk as node 'disk', which the guest writes")
    parser.add_argument("--bios", action="store_true")
    parser.add_argument("--suite", action="store_true",
                        help="run it as KVM's unit tests are run")
    parser.add_argument("--expect-code", type=int, default=PASS_CODE)
    parser.add_argument("--expect-output", default="")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("binary")
    parser.add_argument("payload")
    parser.add_argument("extra", nargs="*", help="more options, after --")
    args = parser.parse_args()

    check_kvm()
    with tempfile.TemporaryDirectory(prefix="nemu-guest-") as tmp:
        console = os.path.join(tmp, "console")
        cmd = command(args, console)
        if args.initrd_text is not None:
            initrd = os.path.join(tmp, "initrd")
            with open(initrd, "w", encoding="utf-8") as file:
                file.write(args.initrd_text)
            cmd += ["-initrd", initrd + args.initrd_args]
        disk = os.path.join(tmp, "disk")
        if args.disk:
            cmd += make_disk(disk)
        try:
            run = subprocess.run(cmd, stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True,
                                 timeout=args.timeout, check=False)
            code, errors, output = run.returncode, run.stderr, run.stdout
        except subprocess.TimeoutExpired as err:
            code, errors, output = "time-out", str(err.stderr), str(err.stdout)
        if os.path.exists(console):
            output = read_text(console)
        if args.disk and not disk_is_written(disk):
            output += "\nFAIL nothing on the disk"

    ok = code == args.expect_code and args.expect_output in output and \
        "FAIL" not in output
    if not ok:
        print("command:", " ".join(cmd))
        print(f"exit code {code}, expected {args.expect_code}")
        print("guest said:", output)
        print("standard error:", errors)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
