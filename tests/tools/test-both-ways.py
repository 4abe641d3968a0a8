#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of all creation options: each project's tools read, check and
compare what the other's made and wrote. Data is compared with a model."""
import json
import os
import sys
from typing import List

from cases import CASES, KIB, MIB
from toolcase import (NEMU, Model, Tools, apply, check, good, have, main,
                      plain, qemu, run, test)

def make_backing(maker: Tools, image_format: str, model: Model) -> None:
    """A base that is shorter than what goes on top of it."""
    size = len(model.data) // 2
    good(maker.img, "create", "-q", "-f", image_format, "base", str(size))
    byte = 0x5a
    apply(maker, image_format, "base",
          ["write -q -P %d 0 %d" % (byte, size // 2)])
    model.data[:size // 2] = bytes([byte]) * (size // 2)


def settle() -> None:
    """Have all files here on the disk: a file system may fill small holes with
    zeros when it writes what is beside them, and then they are data."""
    for name in os.listdir("."):
        fd = os.open(name, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def difference(image: str, args: List[str]) -> str:
    """Of what both say; empty: none."""
    mine = run(NEMU.img, *args, image)
    peer = run(qemu().img, *args, image)
    check(mine[0] == peer[0] == 0, args, mine, peer)
    left, right = mine[1], peer[1]
    if args[-1] == "--output=json":
        left, right = json.loads(left), json.loads(right)
    if left != right and isinstance(left, list):
        left, right = ([e for e in left if e not in right],
                       [e for e in right if e not in left])
    return "" if left == right else "%s: %s, %s" % (args, left, right)


def compare_descriptions(image: str) -> None:
    """Both say the same of an image."""
    settle()
    for args in (["info"], ["info", "--output=json"],
                 ["map", "--output=json"]):
        # What was reserved and not written is a hole for the kernel while it
        # is not in the page cache, and that may change between the two.
        found = [difference(image, args)]
        while found[-1] and len(found) < 4:
            found.append(difference(image, args))
        check(not found[-1], image, found)


def one_way(name: str, maker: Tools, reader: Tools, number: int) -> None:
    image_format, options, size, backing = CASES[name]
    image = "%s-%d-%s" % (maker.name, number, name.replace(" ", "-"))
    options = options.replace("DATA", image + ".data")
    model = Model((size + 511) // 512 * 512, number)
    args = [maker.img, "create", "-f", image_format]
    if backing:
        make_backing(maker, backing, model)
        args += ["-b", "base", "-F", backing]
    args += ["-o", options] if options else []
    good(*args, image, str(size))
    unit = 512 if "512" in options else 64 * KIB
    apply(maker, image_format, image, model.change(unit, 60, True))
    model.save("model")
    compare_descriptions(image)
    if image_format == "qcow2":
        out = good(reader.img, "check", image)
        check("No errors" in out, name, out)
    # What one wrote the other reads, and goes on writing.
    check("identical" in good(reader.img, "compare", "-f", image_format, "-F",
                              "raw", image, "model"), name)
    apply(reader, image_format, image, model.change(unit, 40, True))
    model.save("model")
    for tools in (maker, reader):
        if image_format == "qcow2":
            good(tools.img, "check", image)
        check("identical" in good(tools.img, "compare", "-f", image_format,
                                  "-F", "raw", image, "model"), name)


@test
def formatting_line() -> None:
    """What create prints, for all options."""
    for name, (image_format, options, size, backing) in CASES.items():
        lines = []
        for tools in (NEMU, qemu()):
            if backing:
                good(tools.img, "create", "-q", "-f", backing, "base", "1M")
            args = [tools.img, "create", "-f", image_format]
            args += ["-o", options] if options else []
            args += ["-b", "base", "-F", backing] if backing else []
            lines.append(plain(good(*args, "image", str(size))))
        check(lines[0] == lines[1], name, lines)


@test
def nemu_makes_qemu_reads() -> None:
    peer = qemu()
    for number, name in enumerate(CASES):
        one_way(name, NEMU, peer, number)


@test
def qemu_makes_nemu_reads() -> None:
    peer = qemu()
    for number, name in enumerate(CASES):
        one_way(name, peer, NEMU, number)


@test
def convert_both_ways() -> None:
    """One's conversions against the other's comparison."""
    peer = qemu()
    model = Model(5 * MIB, 99)
    good(NEMU.img, "create", "-q", "-f", "qcow2", "in", "5M")
    apply(NEMU, "qcow2", "in", model.change(64 * KIB, 80, True))
    model.save("model")
    for tools in (NEMU, peer):
        for args in (["-O", "raw"], ["-O", "qcow2"], ["-c", "-O", "qcow2"],
                     ["-c", "-O", "qcow2", "-o", "compression_type=%s" % (
                         "zstd" if have("ZSTD") else "zlib")],
                     ["-W", "-m", "16", "-O", "qcow2"], ["-S", "0", "-O", "raw"],
                     ["-S", "64k", "-O", "raw"],
                     ["-O", "qcow2", "-o", "cluster_size=4k,extended_l2=off"],
                     ["-O", "qcow2", "-o", "preallocation=metadata"],
                     ["-O", "qcow2", "-o", "extended_l2=on"]):
            good(tools.img, "convert", *args, "in", "out")
            for other in (NEMU, peer):
                check("identical" in good(other.img, "compare", "-F", "raw",
                                          "out", "model"), args)
            if "qcow2" in args:
                good(peer.img, "check", "out")
                good(NEMU.img, "check", "out")


@test
def commit_and_rebase_both_ways() -> None:
    """The same chain, committed and rebased by each."""
    peer = qemu()
    for tools, reader in ((NEMU, peer), (peer, NEMU)):
        model = Model(4 * MIB, 7)
        good(tools.img, "create", "-q", "-f", "qcow2", "base", "4M")
        apply(tools, "qcow2", "base", model.change(64 * KIB, 40, True))
        below = "base"
        for layer in ("mid", "top"):
            good(tools.img, "create", "-q", "-f", "qcow2", "-b", below, "-F",
                 "qcow2", layer)
            apply(tools, "qcow2", layer, model.change(64 * KIB, 40, False))
            below = layer
        model.save("model")
        # Off its middle layer, then into its base.
        good(tools.img, "rebase", "-b", "base", "-F", "qcow2", "top")
        check("identical" in good(reader.img, "compare", "top", "model"))
        out = good(tools.img, "commit", "top")
        check(out == "Image committed.\n", out)
        check("identical" in good(reader.img, "compare", "base", "model"))
        for image in ("base", "top"):
            good(reader.img, "check", image)
        # The top is empty, and still reads the same.
        check("identical" in good(reader.img, "compare", "top", "model"))
        good(tools.img, "rebase", "-b", "", "top")
        check("identical" in good(reader.img, "compare", "top", "model"))
        info = json.loads(good(reader.img, "info", "--output=json", "top"))
        check("backing-filename" not in info, info)


@test
def bitmaps_both_ways() -> None:
    """Added by one, set by the other's writes, copied by both."""
    peer = qemu()
    for tools, writer in ((NEMU, peer), (peer, NEMU)):
        good(tools.img, "create", "-q", "-f", "qcow2", "x", "4M")
        good(tools.img, "bitmap", "--add", "-g", "64k", "x", "one")
        apply(writer, "qcow2", "x", ["write -q 1M 200k"])
        good(writer.img, "bitmap", "--add", "--disable", "x", "two")
        good(tools.img, "bitmap", "--merge", "one", "x", "two")
        for copier in (NEMU, peer):
            good(copier.img, "convert", "--bitmaps", "-O", "qcow2", "x", "y")
            for reader in (NEMU, peer):
                good(reader.img, "check", "y")
                info = json.loads(good(reader.img, "info", "--output=json",
                                       "y"))
                seen = {b["name"]: b for b in
                        info["format-specific"]["data"]["bitmaps"]}
                check(seen == {"one": {"name": "one", "granularity": 65536,
                                       "flags": ["auto"]},
                               "two": {"name": "two", "granularity": 65536,
                                       "flags": []}}, seen)
        good(tools.img, "bitmap", "--remove", "y", "one")
        good(writer.img, "check", "y")


@test
def amend_both_ways() -> None:
    """Down to version 2 and up again, other counts, another size."""
    peer = qemu()
    for tools, reader in ((NEMU, peer), (peer, NEMU)):
        model = Model(3 * MIB, 11)
        good(tools.img, "create", "-q", "-f", "qcow2", "x", "3M")
        apply(tools, "qcow2", "x", model.change(64 * KIB, 40, False))
        for options in ("compat=0.10", "compat=1.1,lazy_refcounts=on",
                        "refcount_bits=64", "refcount_bits=1"):
            good(tools.img, "amend", "-o", options, "x")
            good(reader.img, "check", "x")
            model.save("model")
            check("identical" in good(reader.img, "compare", "x", "model"),
                  options)
        good(tools.img, "amend", "-o", "size=5M", "x")
        info = json.loads(good(reader.img, "info", "--output=json", "x"))
        check(info["virtual-size"] == 5 * MIB, info)


if __name__ == "__main__":
    sys.exit(main())
