#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blkdebug and blkverify by file name, breakpoints, reopening; beside QEMU's
tools, where those are installed."""
import os
import shutil
import sys
from typing import List, Tuple

from toolcase import (NEMU, Skip, Tools, check, good, main, plain, qemu, run,
                      test)

# Event: (how the image is made, commands before, the one that meets it). An
# error that is armed by the event makes the last one fail, or the closing.
SNAPSHOT = ["snapshot", "-c", "s"]
EVENTS = {
    "l1_update": ([], [], "write 0 64k"),
    "l2_load": ([], ["write 0 64k"], "read 0 64k"),
    "l2_update": ([], [], "write 0 64k"),
    "l2_update_compressed": ([], [], "write -c 0 64k"),
    "l2_alloc_cow_read": (SNAPSHOT, ["write 0 64k"], "write 64k 64k"),
    "l2_alloc_write": ([], [], "write 0 64k"),
    "read_aio": ([], ["write 0 64k"], "read 0 64k"),
    "read_compressed": ([], ["write -c 0 64k"], "read 0 64k"),
    "write_aio": ([], [], "write 0 64k"),
    "write_compressed": ([], [], "write -c 0 64k"),
    "cow_read": (SNAPSHOT, ["write 0 64k"], "write 1k 1k"),
    "cow_write": (SNAPSHOT, ["write 0 64k"], "write 1k 1k"),
    "reftable_load": ([], [], "read 0 64k"),
    "refblock_load": ([], [], "write 0 64k"),
    "refblock_update_part": ([], [], "write 0 64k"),
    "cluster_alloc": ([], [], "write 0 64k"),
    "cluster_alloc_bytes": ([], [], "write -c 0 64k"),
    "cluster_free": ([], ["write 0 64k"], "discard 0 64k; flush"),
    "flush_to_os": ([], [], "write 0 64k"),
    "flush_to_disk": ([], [], "write 0 64k; flush; write 1M 64k"),
    "pwritev": ([], [], "write 0 64k"),
    "pwritev_done": ([], [], "write 0 64k"),
}
# Ours alone, or at moments that QEMU has not got.
OWN = {
    "l1_grow_alloc_table": ([], [], "truncate 64G"),
    "l1_grow_write_table": ([], [], "truncate 64G"),
    "l1_grow_activate_table": ([], [], "truncate 64G"),
    "refblock_alloc": (["tiny"], [], "write 0 256k"),
    "refblock_alloc_write": (["tiny"], [], "write 0 256k"),
    "refblock_alloc_hookup": (["tiny"], [], "write 0 256k"),
    "reftable_grow": (["tiny"], [], "write 0 16M"),
    "refblock_alloc_write_blocks": (["tiny"], [], "write 0 16M"),
    "refblock_alloc_write_table": (["tiny"], [], "write 0 16M"),
    "refblock_alloc_switch_table": (["tiny"], [], "write 0 16M"),
}


def meets(tools: Tools, event: str, how: Tuple[List[str], List[str], str]
          ) -> bool:
    """Whether an error at the event spoils the last command."""
    setup, before, last = how
    small = ["-o", "cluster_size=512"] if setup == ["tiny"] else []
    for name in ("x", "rules"):
        if os.path.exists(name):
            os.unlink(name)
    good(NEMU.img, "create", "-q", "-f", "qcow2", *small, "x", "64M")
    for command in before:
        good(tools.io, "-f", "qcow2", "-c", command, "x")
    if setup == SNAPSHOT:
        good(NEMU.img, *setup, "x")
    with open("rules", "w", encoding="ascii") as f:
        f.write('[inject-error]\nevent = "%s"\nerrno = "28"\n' % event)
    words = [w for c in last.split("; ") for w in ("-c", c)]
    _, out, err = run(tools.io, "-f", "qcow2", "-d", "unmap", *words,
                      "blkdebug:rules:x")
    return "No space left" in out + err


@test
def events() -> None:
    for event, how in {**EVENTS, **OWN}.items():
        check(meets(NEMU, event, how), event, "was not met")
    # What is not met does no harm.
    check(not meets(NEMU, "read_compressed", ([], [], "write 0 64k")))


@test
def events_as_qemu() -> None:
    peer = qemu()
    for event, how in EVENTS.items():
        check(meets(peer, event, how), event, "is not met there")


def both(commands: List[str], image: str, *args: str) -> List[str]:
    """What both say; on images of the same content."""
    seen = []
    for tools in (NEMU, qemu()):
        shutil.copy("new", "x")
        shutil.copy("zeros", "r")
        words = [w for c in commands for w in ("-c", c)]
        status, out, err = run(tools.io, *args, *words, image)
        # Those who write to a pipe show errors first.
        lines = plain(err + out).splitlines()
        lines = [x for x in lines if not x.startswith("A file of that name")
                 and " on closing: " not in x]
        seen.append("\n".join(["status %d" % status] + sorted(lines)))
    return seen


RULES = """
[inject-error]
event = "read_aio"
errno = "5"
once = "on"

[set-state]
event = "write_aio"
state = "1"
new_state = "2"

[inject-error]
event = "read_aio"
state = "2"
errno = "28"
"""

DIALOGUES = [
    ("blkdebug:rules:x", ["read 0 64k", "write 0 64k", "read 0 64k",
                          "read 0 64k"]),
    ("blkdebug::x", ["break write_aio A", "aio_write 0 64k", "wait_break A",
                     "read 128k 64k", "resume A", "aio_flush",
                     "read -P 0xcd 0 64k"]),
    ("blkdebug::x", ["break nonsense A", "resume A", "remove_break A",
                     "break l2_load A", "remove_break A", "resume A"]),
    ("blkdebug::x", ["break write_aio A", "aio_write 0 64k", "wait_break A",
                     "break write_aio B", "aio_write 64k 64k", "wait_break B",
                     "resume B", "resume A", "aio_flush", "resume A"]),
    ("blkdebug::x", ["break write_aio A", "aio_write 0 64k", "aio_write 1M 64k",
                     "wait_break A", "remove_break A", "aio_flush",
                     "read -P 0xcd 0 64k", "resume A"]),
    ("blkdebug::x", ["write 0 64k", "break read_aio A", "aio_read -P 1 0 64k",
                     "wait_break A", "write -P 1 64k 64k", "resume A",
                     "aio_flush", "break", "break read_aio", "wait_break",
                     "remove_break", "remove_break B"]),
    ("blkdebug::x", ["break flush_to_disk A", "write 0 64k", "sleep 1",
                     "remove_break A", "flush", "close", "resume A"]),
    ("x", ["break write_aio A", "remove_break A", "resume A", "write 0 512"]),
    ("blkdebug:missing:x", ["read 0 64k"]),
    ("blkdebug:x", ["read 0 64k"]),
    ("nonsense:r:x", ["read 0 64k"]),
    ("x", ["length", "reopen -r", "write 0 512", "reopen -w", "write 0 512",
           "read -P 0xcd 0 512"]),
    ("x", ["reopen -o lazy-refcounts=on,l2-cache-size=1M", "write 0 512",
           "reopen -o lazy-refcounts=off", "read -P 0xcd 0 512"]),
    ("x", ["reopen -o nonsense=1", "reopen -c nonsense", "reopen -r -w",
           "reopen -c writeback -o cache.direct=on",
           "reopen -r -o read-only=on", "reopen -o driver=raw",
           "reopen -o node-name=n", "reopen more"]),
    ("x", ["reopen -r", "reopen -o read-only=on", "write 0 512", "reopen -w",
           "reopen -c unsafe", "write 0 512"]),
    ("x", ["reopen -o cache-size=64k,l2-cache-size=1M",
           "reopen -o l2-cache-entry-size=3", "read 0 512"]),
    ("x", ["reopen -o overlap-check=all", "reopen -o overlap-check=none",
           "reopen -o overlap-check.template=constant", "write 0 64k",
           "reopen -o pass-discard-request=on,cache-clean-interval=1",
           "discard 0 64k", "read -P 0 0 64k"]),
]


@test
def dialogues() -> None:
    good(NEMU.img, "create", "-q", "-f", "qcow2", "new", "4M")
    good(NEMU.img, "create", "-q", "-f", "raw", "zeros", "4M")
    with open("rules", "w", encoding="ascii") as f:
        f.write(RULES)
    for image, commands in DIALOGUES:
        ours, theirs = both(commands, image)
        check(ours == theirs, image, commands, "\n" + ours, "\n--\n" + theirs)
    for image in ("blkverify:r:x", "blkverify:x", "blkverify:r:missing"):
        ours, theirs = both(["write 1k 64k", "read 0 1M"], image, "-f", "raw")
        check(ours == theirs, image, "\n" + ours, "\n--\n" + theirs)


@test
def verify_finds_differences() -> None:
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "4M")
    good(NEMU.img, "create", "-q", "-f", "raw", "r", "4M")
    good(NEMU.io, "-f", "raw", "-c", "write -P 1 4k 512", "r")
    _, out, err = run(NEMU.io, "-f", "raw", "-c", "read 0 8k",
                      "blkverify:r:x")
    check("contents mismatch at offset 4096" in err, out, err)


@test
def names_of_nodes() -> None:
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "4M")
    good(NEMU.img, "create", "-q", "-f", "raw", "r", "4M")
    for name in ("blkdebug::x", "blkverify:r:x"):
        ours = good(NEMU.img, "info", name)
        check("image: %s\n" % name in ours and
              "disk size: unavailable" in ours, ours)
        try:
            peer = qemu()
        except Skip:
            continue
        check(ours == good(peer.img, "info", name), ours)


@test
def reopen_leaves_no_descriptor_behind() -> None:
    """Requests go to the one with the new flags, also in a ring's table."""
    good(NEMU.img, "create", "-q", "-f", "raw", "x", "1M")
    status, out, err = run(
        NEMU.io, "-t", "none", "-i", "io_uring", "-f", "raw", "-c",
        "write -P 1 0 64k", "-c", "reopen -c writeback", "-c",
        "write -P 2 100 100", "-c", "read -P 2 100 100", "-c",
        "reopen -c none", "-c", "read -P 1 200 1k", "x")
    if status and ("O_DIRECT" in err or "Invalid argument" in err or
                   "built without it" in err):
        raise Skip("no direct I/O, or no io_uring")
    check(status == 0 and "ailed" not in out + err, out, err)


@test
def reopen_keeps_what_goes_on() -> None:
    """A breakpoint survives: the node is the same."""
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "4M")
    out = good(NEMU.io, "-f", "qcow2", "-c", "break write_aio A", "-c",
               "reopen -o lazy-refcounts=on", "-c", "aio_write 0 64k", "-c",
               "wait_break A", "-c", "resume A", "-c", "aio_flush",
               "blkdebug::x")
    check("Suspended request 'A'" in out and "Resuming request 'A'" in out,
          out)


if __name__ == "__main__":
    sys.exit(main())
