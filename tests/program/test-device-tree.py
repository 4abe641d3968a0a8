#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""-machine dumpdtb= and -dtb: the tree that a kernel gets is written to a file,
dtc likes it no less than QEMU's own, and it can be given back."""
import os
import re
import shutil
import subprocess

from program import NAME, Program, Skip, check, main, run, test

QTEST = ["-accel", "qtest", "-nodefaults", "-display", "none"]
# Of both programs.
MACHINES = [
    ("virt", []),
    ("virt", ["-serial", "null", "-smp", "4,sockets=2,cores=2", "-m", "5G"]),
    ("virt,gic-version=2", ["-smp", "8"]),
    ("virt,gic-version=3,its=off,highmem=off", ["-m", "256"]),
    ("virt,gic-version=3", ["-smp", "200"]),
    ("virt,acpi=off", ["-device", "virtio-rng-device"]),
]


def need_dtc():
    if not shutil.which("dtc"):
        raise Skip("dtc is not installed")


def source(path):
    """The tree as text, and the kinds of warnings about it."""
    done = subprocess.run(["dtc", "-I", "dtb", "-O", "dts", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=True)
    kinds = set(re.findall(r"Warning \((\w+)\)", done.stderr))
    check(kinds or not done.stderr, done.stderr)
    return done.stdout, kinds


def dump(path, machine, args=()):
    status, out, err = run(["-M", "%s,dumpdtb=%s" % (machine, path), *QTEST,
                            *args])
    check(status == 0 and out == "", machine, args, status, out, err)
    check(err == "%s: info: device tree written to '%s'\n" % (NAME, path), err)


def qemu_kinds(machine, args):
    """The warnings about the tree of QEMU; none without it."""
    program = shutil.which("qemu-system-aarch64")
    if not program:
        return set()
    subprocess.run([program, "-M", machine + ",dumpdtb=qemu.dtb", "-cpu",
                    "max", "-nodefaults", "-display", "none", *args],
                   stderr=subprocess.DEVNULL, check=True)
    return source("qemu.dtb")[1]


@test
def no_warning_that_qemus_tree_has_not():
    need_dtc()
    for machine, args in MACHINES:
        dump("ours.dtb", machine, args)
        _, kinds = source("ours.dtb")
        new = kinds and kinds - qemu_kinds(machine, args)
        check(not new, machine, args, "dtc warns of", new)


@test
def taken_again():
    """What was written is a tree for -dtb; command line and seeds are new."""
    need_dtc()
    header = bytearray(4096)
    header[16:24] = (1 << 20).to_bytes(8, "little")
    header[56:60] = b"ARM\x64"
    with open("Image", "wb") as f:
        f.write(header)
    dump("one.dtb", "virt,gic-version=2", ["-serial", "null"])
    dump("two.dtb", "virt", ["-dtb", "one.dtb", "-kernel", "Image",
                             "-append", "root=/dev/vda"])
    one, _ = source("one.dtb")
    two, _ = source("two.dtb")
    check("arm,cortex-a15-gic" in two)
    check('bootargs = "root=/dev/vda"' in two and "bootargs" not in one)
    seed = re.compile(r"kaslr-seed = (<.*>)")
    check(seed.search(one)[1] != seed.search(two)[1])
    with Program(["-M", "virt", *QTEST, "-dtb", "one.dtb", "-S"]) as program:
        check(program.get("qom-get", {"path": "/machine", "property": "dtb"})
              == "one.dtb")


@test
def nothing_runs():
    """Neither a CPU nor -S or -no-shutdown keep it from ending."""
    dump("a.dtb", "virt", ["-S", "-no-shutdown"])
    check(os.path.getsize("a.dtb") > 4096)


@test
def mistakes():
    for args, part in ((["-M", "virt,dumpdtb=/nonexistent/x"],
                        "/nonexistent/x"),
                       (["-M", "virt", "-dtb", "nix"], "'nix'"),
                       (["-M", "virt", "-dtb", "/dev/null"], "/dev/null")):
        status, _, err = run([*args, *QTEST])
        check(status == 1 and part in err, args, status, err)


if __name__ == "__main__":
    raise SystemExit(main())
