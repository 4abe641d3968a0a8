#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What discards, zeros and deleted snapshots leave of a file, as much as with
QEMU's tools; data files that are read as raw images; memory of caches."""
import os
import sys
from typing import List

from cases import MIB
from toolcase import NEMU, Tools, check, good, main, qemu, run, test

# Steps; after each the size on the disk is looked at.
STEPS = [
    ["io", "-c", "write 0 9M"],
    ["img", "snapshot", "-c", "s"],
    ["io", "-c", "write 0 4M"],
    ["img", "snapshot", "-d", "s"],
    ["io", "-d", "ignore", "-c", "discard 0 4M"],
    ["io", "-d", "unmap", "-c", "discard 4M 2M"],
    ["io", "-d", "unmap", "-c", "write -z 6M 1M", "-c", "write -zu 7M 1M"],
    ["img", "resize", "-q", "--shrink", "1M"],
]


def sizes(tools: Tools) -> List[int]:
    seen = []
    if os.path.exists("x"):
        os.unlink("x")
    good(tools.img, "create", "-q", "-f", "qcow2", "x", "16M")
    for program, *words in STEPS:
        if words[0] == "resize":
            good(tools.img, *words[:-1], "x", words[-1])
        else:
            good(getattr(tools, program), *words, "x")
        good(NEMU.img, "check", "-q", "x")
        seen.append(os.stat("x").st_blocks * 512)
    return seen


@test
def freed_space() -> None:
    ours, theirs = sizes(NEMU), sizes(qemu())
    for step, a, b in zip(STEPS, ours, theirs):
        check(abs(a - b) < MIB // 4, step, "leaves", ours, "not", theirs)


@test
def freed_space_by_options() -> None:
    """pass-discard-*: each way to free clusters on its own."""
    for key, commands, freed in (
            ("request", ["discard 0 4M"], True),
            ("other", ["write -z 0 4M"], False)):
        for value in ("on", "off"):
            good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "8M")
            good(NEMU.io, "-c", "write 0 4M", "x")
            words = [w for c in commands for w in ("-c", c)]
            good(NEMU.io, "--image-opts", *words, "driver=qcow2,discard=unmap,"
                 "pass-discard-%s=%s,file.filename=x" % (key, value))
            size = os.stat("x").st_blocks * 512
            check((size < 2 * MIB) == (freed and value == "on"), key, value,
                  size)


@test
def resize_without_space() -> None:
    """What was preallocated until then goes again; the image is whole."""
    for mode in "falloc", "full":
        good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "1M")
        good(NEMU.io, "-c", "write -q -P 4 0 1M", "x")
        status, _, err = run(
            "sh", "-c", "trap '' XFSZ; ulimit -f 4096; exec %s resize "
            "--preallocation=%s x 64M" % (NEMU.img, mode))
        check(status == 1 and "File too large" in err, status, err)
        good(NEMU.img, "check", "-q", "x")
        good(NEMU.io, "-c", "read -q -P 4 0 1M", "x")
        check("(1048576 bytes)" in good(NEMU.img, "info", "x"), mode)


@test
def resize_keeps_the_last_cluster() -> None:
    """Of which the old end had only a part."""
    good(NEMU.img, "create", "-q", "-f", "raw", "r", "20k")
    good(NEMU.io, "-f", "raw", "-c", "write -q -P 4 0 20k", "r")
    makers = (["convert", "-O", "qcow2", "r", "x"],
              ["convert", "-c", "-O", "qcow2", "r", "x"],
              ["convert", "-O", "qcow2", "-o", "extended_l2=on", "r", "x"],
              ["create", "-q", "-f", "qcow2", "-b", "r", "-F", "raw", "x"],
              ["create", "-q", "-f", "qcow2", "-b", "r", "-F", "raw", "-o",
               "extended_l2=on", "x"])
    for maker in makers:
        for snapshot in False, True:
            good(NEMU.img, *maker)
            if snapshot:
                good(NEMU.img, "snapshot", "-c", "s", "x")
            status, _, err = run(NEMU.img, "resize", "-q",
                                 "--preallocation=metadata", "x", "1M")
            check(status == 0, maker, err)
            good(NEMU.img, "check", "-q", "x")
            good(NEMU.io, "-c", "read -q -P 4 0 20k",
                 "-c", "read -q -P 0 20k 1003520", "x")


@test
def raw_data_file_in_step() -> None:
    """It holds what the guest sees, zeros too."""
    good(NEMU.img, "create", "-q", "-f", "qcow2", "-o",
         "data_file=d,data_file_raw=on", "x", "1M")
    good(NEMU.io, "-d", "unmap", "-c", "write -P 7 0 1M", "-c",
         "write -z 64k 64k", "-c", "write -zu 192k 100k", "-c",
         "discard 320k 64k", "x")
    good(NEMU.img, "compare", "-f", "qcow2", "-F", "raw", "x", "d")
    good(NEMU.io, "-f", "raw", "-c", "read -P 7 0 64k", "-c",
         "read -P 0 64k 64k", "-c", "read -P 0 192k 100k", "-c",
         "read -P 0 320k 64k", "-c", "read -P 7 384k 640k", "d")


@test
def caches_are_cleaned() -> None:
    """A table that was not used for long is read again."""
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "4M")
    good(NEMU.io, "-c", "write 0 64k", "x")
    out = good(NEMU.io, "--image-opts", "-c", "read 0 4k", "-c", "sleep 2500",
               "-c", "break l2_load A", "-c", "aio_read 0 4k", "-c",
               "wait_break A", "-c", "resume A", "-c", "aio_flush",
               "driver=qcow2,cache-clean-interval=1,file.driver=blkdebug,"
               "file.image.driver=file,file.image.filename=x")
    check("Suspended request" in out, out)


if __name__ == "__main__":
    sys.exit(main())
