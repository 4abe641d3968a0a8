#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Convert with several pieces on their way: errors in the midst of them, the
order of what is written, and what the pieces are cut from."""
import json
import os
import sys
import tempfile
from typing import List

from cases import KIB, MIB
from toolcase import NEMU, Skip, check, good, have, main, run, test

# Data, zeros and what does not compress, changing within clusters, too.
SIZE = 12 * MIB + 3 * KIB


def make_source() -> None:
    """"in" and, with the same content, "in.qcow2"."""
    with open("in", "wb") as f:
        for number in range(SIZE // (336 * KIB)):
            f.write(os.urandom(20 * KIB) + bytes([number % 251]) * 28 * KIB +
                    bytes(48 * KIB) + os.urandom(192 * KIB) +
                    bytes(20 * KIB) + b"text" * 7 * KIB)
        f.truncate(SIZE)
    good(NEMU.img, "convert", "-f", "raw", "-O", "qcow2", "in", "in.qcow2")


KINDS: List[List[str]] = [
    ["-O", "raw"], ["-O", "qcow2"], ["-O", "qcow2", "-o", "cluster_size=4k"],
    ["-c", "-O", "qcow2"],
    ["-c", "-O", "qcow2", "-o", "cluster_size=2M"],
    ["-c", "-O", "qcow2", "-o", "extended_l2=on"]]
if os.environ.get("SANITIZED") != "1":  # 24000 clusters take those minutes
    KINDS.append(["-c", "-O", "qcow2", "-o", "cluster_size=512"])
if have("ZSTD"):
    KINDS.append(["-c", "-O", "qcow2", "-o", "compression_type=zstd"])


@test
def the_same_bytes_each_time() -> None:
    """However many pieces are on their way, the file is the same."""
    make_source()
    for kind in KINDS:
        seen = set()
        for workers in "1", "8", "16":
            good(NEMU.img, "convert", "-f", "raw", "-m", workers, *kind, "in",
                 "out")
            with open("out", "rb") as f:
                seen.add(f.read())
        check(len(seen) == 1, kind, "differs from run to run")
        check("identical" in good(NEMU.img, "compare", "-f", "raw", "in",
                                  "out"), kind)
        if "qcow2" in kind:
            good(NEMU.img, "check", "-q", "out")


@test
def never_sparse() -> None:
    """-S 0: zeros take space, too, but where the backing file has them."""
    good(NEMU.img, "create", "-q", "-f", "raw", "in", "2M")
    good(NEMU.io, "-f", "raw", "-c", "write -q -P 3 64k 64k", "in")
    for kind in ["-O", "raw"], ["-O", "qcow2"], ["-c", "-O", "qcow2"]:
        good(NEMU.img, "convert", "-f", "raw", "-S", "0", *kind, "in", "out")
        if kind[-1] == "raw":
            check(os.stat("out").st_blocks * 512 >= 2 * MIB, "holes")
            continue
        status = json.loads(good(NEMU.img, "map", "--output=json", "out"))
        check(all(e["present"] and e["data"] and not e["zero"]
                  for e in status), kind, status)


@test
def nobody_writes_the_source() -> None:
    """Not the command itself, either; -U does not care."""
    for image_format in "raw", "qcow2":
        good(NEMU.img, "create", "-q", "-f", image_format, "in", "1M")
        good(NEMU.io, "-f", image_format, "-c", "write -q -P 3 0 1M", "in")
        for more in [], ["-n"]:
            status, _, err = run(NEMU.img, "convert", *more, "-f",
                                 image_format, "-O", image_format, "in", "in")
            check(status == 1 and 'Failed to get "write" lock' in err, status,
                  err)
            good(NEMU.io, "-f", image_format, "-c", "read -q -P 3 0 1M", "in")


@test
def size_of_the_source() -> None:
    """Whatever the options say."""
    good(NEMU.img, "create", "-q", "-f", "raw", "in", "2M")
    for size in "1M", "8M":
        good(NEMU.img, "convert", "-f", "raw", "-O", "qcow2", "-o",
             "size=" + size, "in", "out")
        check("(2097152 bytes)" in good(NEMU.img, "info", "out"), size)


@test
def any_order() -> None:
    make_source()
    for kind in KINDS:
        good(NEMU.img, "convert", "-f", "raw", "-W", *kind, "in", "out")
        check("identical" in good(NEMU.img, "compare", "-f", "raw", "in",
                                  "out"), kind)
        if "qcow2" in kind:
            good(NEMU.img, "check", "-q", "out")


@test
def into_what_is_there() -> None:
    """-n: zeros are written over what the target held."""
    make_source()
    for kind in KINDS:
        image_format = kind[kind.index("-O") + 1]
        options = kind[kind.index("-O") + 2:]
        good(NEMU.img, "create", "-q", "-f", image_format, *options, "out",
             str(SIZE + MIB))
        good(NEMU.io, "-f", image_format, "-c", "write -q -P 9 0 %d" % SIZE,
             "out")
        good(NEMU.img, "convert", "-f", "raw", "-n", *kind[:kind.index("-O")],
             "-O", image_format, "in", "out")
        check("identical" in good(NEMU.img, "compare", "-f", "raw", "in",
                                  "out"), kind)
        if image_format == "qcow2":
            good(NEMU.img, "check", "-q", "out")


def faulty(image_format: str, name: str, event: str, after: int) -> str:
    """@name, for --image-opts: the request after the @after-th fails once."""
    steps = ["driver=%s" % image_format, "file.driver=blkdebug",
             "file.image.driver=file", "file.image.filename=" + name]
    for number in range(after):
        steps += ["file.set-state.%d.%s" % (number, x) for x in
                  ("event=" + event, "state=%d" % (number + 1),
                   "new_state=%d" % (number + 2))]
    steps += ["file.inject-error.0.%s" % x for x in
              ("event=" + event, "state=%d" % (after + 1), "errno=5",
               "once=on")]
    return ",".join(steps)


@test
def error_while_reading() -> None:
    make_source()
    for workers in "1", "8", "16":
        for kind in KINDS:
            status, _, err = run(
                NEMU.img, "convert", "-m", workers, *kind, "--image-opts",
                faulty("qcow2", "in.qcow2", "read_aio", 5), "out")
            check(status == 1 and err.count("error while reading at") >= 1 and
                  "Input/output error" in err, workers, kind, status, err)


@test
def error_while_writing() -> None:
    make_source()
    for event, args in (("write_aio", []), ("write_compressed", ["-c"]),
                        ("cluster_alloc_bytes", ["-c"]),
                        ("write_aio", ["-c"])):
        for workers in "1", "8", "16":
            for after in 0, 1, 3:
                good(NEMU.img, "create", "-q", "-f", "qcow2", "out", str(SIZE))
                status, _, err = run(
                    NEMU.img, "convert", "-m", workers, *args, "-n", "-f",
                    "raw", "--target-image-opts", "in",
                    faulty("qcow2", "out", event, after))
                check(status == 1 and "error while writing at byte" in err and
                      "Input/output error" in err, event, args, workers, after,
                      status, err)
                # What is lost is space at most.
                status, out, err = run(NEMU.img, "check", "out")
                check(status in (0, 3), event, args, status, out, err)


@test
def error_of_a_raw_target() -> None:
    make_source()
    for after in 0, 1, 3:
        good(NEMU.img, "create", "-q", "-f", "raw", "out", str(SIZE))
        status, _, err = run(
            NEMU.img, "convert", "-n", "-f", "raw", "--target-image-opts",
            "in", faulty("raw", "out", "pwritev", after))
        check(status == 1 and "error while writing at byte" in err and
              "Input/output error" in err, after, status, err)


@test
def salvaged() -> None:
    """What cannot be read becomes zeros, and nothing else."""
    make_source()
    for kind in KINDS:
        status, _, err = run(
            NEMU.img, "convert", "--salvage", *kind, "--image-opts",
            faulty("qcow2", "in.qcow2", "read_aio", 5), "out")
        check(status == 0, kind, status, err)
        check("identical" in good(NEMU.img, "compare", "-f", "raw", "in",
                                  "out"), kind)


def offloaded(*args: str) -> None:
    """The last two: source and target."""
    good(NEMU.img, "convert", "-C", *args)
    check("identical" in good(NEMU.img, "compare", *args[-2:]), args)
    if "qcow2" in args:
        good(NEMU.img, "check", "-q", args[-1])


@test
def copied_by_the_host() -> None:
    """Whatever the source and the target are."""
    make_source()
    good(NEMU.img, "convert", "-c", "-O", "qcow2", "in.qcow2", "packed")
    good(NEMU.img, "create", "-q", "-f", "qcow2", "-b", "packed", "-F",
         "qcow2", "top")
    good(NEMU.io, "-c", "write -q -P 7 1M 3M", "top")
    for source in "in", "in.qcow2", "packed", "top":
        for kind in KINDS:
            if "-c" not in kind:
                for more in ([], ["-W"], ["-t", "none", "-T", "none"],
                             ["-t", "writethrough"]):
                    offloaded(*more, *kind, source, "out")
    offloaded("-O", "qcow2", "-B", "packed", "-F", "qcow2", "top", "out")
    good(NEMU.img, "convert", "-C", "-O", "raw", "in.qcow2", "top", "out")
    good(NEMU.img, "convert", "-O", "raw", "in.qcow2", "top", "out2")
    good(NEMU.img, "compare", "out", "out2")


@test
def copied_to_another_disk() -> None:
    """What the host cannot copy is read and written."""
    make_source()
    if not os.path.isdir("/dev/shm"):
        raise Skip("no /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for kind in KINDS:
            if "-c" not in kind:
                offloaded(*kind, "in.qcow2", folder + "/out")


@test
def holes_of_copies() -> None:
    with open("sparse", "wb") as f:
        f.truncate(64 * MIB)
        f.seek(20 * MIB)
        f.write(b"data" * KIB)
    for kind in ["-O", "raw"], ["-O", "qcow2"]:
        offloaded("-f", "raw", *kind, "sparse", "out")
        check(os.stat("out").st_blocks * 512 < MIB, kind)


@test
def error_while_copying() -> None:
    """The result is that of the copy by hand."""
    make_source()
    status, out, err = run("sh", "-c", "trap '' XFSZ; ulimit -f 8192; "
                           'exec "$@"', "sh", NEMU.img, "convert", "-C", "-f",
                           "raw", "-O", "qcow2", "in", "out")
    check(status == 1 and "File too large" in err + out, status, out, err)
    status, _, err = run(
        NEMU.img, "convert", "-C", "-O", "qcow2", "--image-opts",
        faulty("qcow2", "in.qcow2", "read_aio", 5), "out")
    check(status == 1 and "error while reading at" in err, status, err)


@test
def full_disk() -> None:
    """A file that may not grow: an error and no hang."""
    make_source()
    for kind in KINDS:
        status, out, err = run("sh", "-c", "trap '' XFSZ; ulimit -f 8192; "
                               'exec "$@"', "sh", NEMU.img, "convert", "-f",
                               "raw", *kind, "in", "out")
        check(status == 1 and "File too large" in err + out, kind, status, out,
              err)


if __name__ == "__main__":
    sys.exit(main())
