#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random requests on images of all creation options, by every way to the
file, against a model in memory."""
import os
import subprocess
import sys
from typing import List

from cases import CASES, KIB, MIB
from toolcase import NEMU, Model, apply, check, good, main, run, test

# How the file is reached: options of nemu-io.
ENGINES = ["threads", "io_uring", "native"]
WAYS = [["-t", "writeback"], ["-t", "none"], ["-t", "writethrough"],
        *(["-t", "directsync", "-i", engine] for engine in ENGINES),
        *(["-t", "none", "-i", engine] for engine in ENGINES),
        ["-i", "threads"], ["-i", "io_uring"], ["-t", "unsafe"],
        ["-d", "ignore"]]
# Why one of them may be missing; all others are failures.
LACKS = {"Invalid argument": "no direct I/O on this file system",
         "O_DIRECT": "no direct I/O on this file system",
         "not supported by this kernel": "not in this kernel",
         "was built without it": "not in this build"}


def make(name: str, image: str, model: Model) -> str:
    image_format, options, size, backing = CASES[name]
    args = [NEMU.img, "create", "-q", "-f", image_format]
    if backing:
        half = len(model.data) // 2
        good(NEMU.img, "create", "-q", "-f", backing, "base", str(half))
        apply(NEMU, backing, "base", ["write -q -P 3 0 %d" % half])
        model.data[:half] = b"\3" * half
        args += ["-b", "base", "-F", backing]
    if options:
        args += ["-o", options.replace("DATA", image + ".data")]
    good(*args, image, str(size))
    return image_format


def same(image: str, image_format: str, model: Model) -> None:
    good(NEMU.img, "convert", "-f", image_format, "-O", "raw", image, "out")
    with open("out", "rb") as f:
        seen = f.read()
    if seen != model.data:
        first = next(i for i, (a, b) in enumerate(zip(seen, model.data))
                     if a != b)
        check(False, image, "differs from the model at", first, len(seen),
              len(model.data))
    if image_format == "qcow2":
        good(NEMU.img, "check", "-q", image)


@test
def every_option() -> None:
    for number, name in enumerate(CASES):
        size = CASES[name][2]
        model = Model((size + 511) // 512 * 512, 1000 + number)
        image = "image%d" % number
        image_format = make(name, image, model)
        unit = 512 if "512" in name else 64 * KIB
        for turn in range(2):
            apply(NEMU, image_format, image, model.change(unit, 60, turn == 0))
            same(image, image_format, model)


def apply_by(way: List[str], image_format: str, commands: List[str]) -> bool:
    """Whether this way is there: "x" has been changed by it."""
    args = [NEMU.io, "-f", image_format, *way]
    for command in commands:
        args += ["-c", command]
    status, out, err = run(*args, "x")
    lacks = [why for text, why in LACKS.items() if text in err]
    if status and lacks:
        print("#", *way, "is left out:", lacks[0])
        return False
    check(status == 0 and "ailed" not in out, way, out, err)
    return True


@test
def every_way() -> None:
    """Cache modes and engines; direct I/O where the file system has it."""
    for number, way in enumerate(WAYS):
        for image_format in ("raw", "qcow2"):
            model = Model(2 * MIB, number)
            good(NEMU.img, "create", "-q", "-f", image_format, "x", "2M")
            if not apply_by(way, image_format,
                            model.change(64 * KIB, 60, True)):
                break
            same("x", image_format, model)


@test
def many_at_a_time() -> None:
    """Requests in flight together, each to a place of its own."""
    for way in [], *(["-t", "none", "-i", engine] for engine in ENGINES):
        for image_format, options in (("raw", ""), ("qcow2", ""),
                                      ("qcow2", "-o extended_l2=on"),
                                      ("qcow2", "-o cluster_size=512")):
            good(NEMU.img, "create", "-q", "-f", image_format,
                 *options.split(), "x", "4M")
            model = Model(4 * MIB, 5)
            commands = many_writes(model) + ["aio_flush"]
            if not apply_by(way, image_format, commands):
                break
            same("x", image_format, model)


def many_writes(model: Model) -> List[str]:
    commands = []
    places = list(range(0, 4 * MIB, 10 * KIB))
    model.random.shuffle(places)
    for offset in places[:200]:
        byte = model.random.randrange(1, 256)
        length = model.random.randrange(1, 10 * KIB)
        length = min(length, 4 * MIB - offset)
        commands.append("aio_write -q -P %d %d %d" % (byte, offset, length))
        model.data[offset:offset + length] = bytes([byte]) * length
    return commands


@test
def patterns() -> None:
    """A wrong byte is told, with its place, and is an error."""
    good(NEMU.img, "create", "-q", "-f", "raw", "x", "1M")
    good(NEMU.io, "-f", "raw", "-c", "write -P 7 1000 100", "x")
    good(NEMU.io, "-f", "raw", "-c", "read -P 7 1000 100", "x")
    status, out, _ = run(NEMU.io, "-f", "raw", "-c", "read -P 7 999 100", "x")
    check(status == 1 and "Pattern verification failed at offset 999, 100 "
          "bytes\n" in out, out)


@test
def read_only_and_snapshot() -> None:
    """What may not or should not stay does not."""
    good(NEMU.img, "create", "-q", "-f", "raw", "x", "1M")
    status, _, err = run(NEMU.io, "-r", "-f", "raw", "-c", "write 0 1k", "x")
    check(status == 1 and "read-only" in err, err)
    good(NEMU.io, "-s", "-f", "raw", "-c", "write -P 7 0 1k", "-c",
         "read -P 7 0 1k", "x")
    good(NEMU.io, "-f", "raw", "-c", "read -P 0 0 1M", "x")


@test
def memory_of_a_convert() -> None:
    """Below 64 MiB, however many coroutines; sanitizers need as much again, when
    they do not keep what was freed."""
    limit = 128 * KIB if os.environ.get("SANITIZED") == "1" else 64 * KIB
    os.environ["ASAN_OPTIONS"] = ":".join(
        [os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=4"])
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "256M")
    apply(NEMU, "qcow2", "x", ["write -q -P 1 0 200M"])
    with open("noise", "wb") as f:
        # Piece by piece: a child's peak begins with what we have.
        for _ in range(64):
            f.write(os.urandom(MIB))
    for args in (["-m", "16", "-W", "-O", "qcow2", "x"], ["-O", "raw", "x"],
                 ["-m", "16", "-c", "-O", "qcow2", "x"],
                 ["-m", "16", "-c", "-O", "qcow2", "-o", "cluster_size=2M",
                  "noise"]):
        with subprocess.Popen([NEMU.img, "convert", *args, "y"]) as p:
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = status
        check(status == 0 and usage.ru_maxrss < limit, args, status,
              usage.ru_maxrss)


if __name__ == "__main__":
    sys.exit(main())
