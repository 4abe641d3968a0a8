# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are slow to make, kept by the content they are made from.

A name in the cache ends with a hash of everything that went into the file,
so nothing ever needs invalidating. The folder is $NEMU_LAB_CACHE, else
nemu-lab in $XDG_CACHE_HOME or ~/.cache. Several runs may use it at once.
"""
import fcntl
import hashlib
import os
import shutil
import sys
from typing import Callable, Iterable, Union

Part = Union[str, bytes]


class Skip(Exception):
    """Something that a test needs is not there; the text says what."""


def cache_dir() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.environ.get("NEMU_LAB_CACHE") or os.path.join(base, "nemu-lab")
    os.makedirs(path, exist_ok=True)
    return os.path.abspath(path)


def progress(text: str) -> None:
    print("lab: " + text, file=sys.stderr, flush=True)


def digest(parts: Iterable[Part]) -> str:
    """Short hash of strings and bytes; their order and borders count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()[:16]


def file_digest(path: str) -> str:
    with open(path, "rb") as source:
        return digest([source.read()])


def file_identity(path: str) -> str:
    """Cheap stand-in for the content of a file that is large."""
    status = os.stat(path)
    return "%s %d %d" % (os.path.realpath(path), status.st_size,
                         status.st_mtime_ns)


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def cached(name: str, suffix: str, parts: Iterable[Part],
           build: Callable[[str], None]) -> str:
    """Path of the file or folder that build(path) makes, made at most once.

    The builder gets a path of its own; only a finished result is moved to
    its place. Older results of the same name are removed.
    """
    folder = cache_dir()
    path = os.path.join(folder, "%s-%s%s" % (name, digest(parts), suffix))
    if os.path.exists(path):
        return path
    with open(os.path.join(folder, name + ".lock"), "w",
              encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(path):
            return path
        progress("building " + os.path.basename(path))
        # The suffix stays last: tools may look at it.
        draft = os.path.join(folder, "new-" + os.path.basename(path))
        remove(draft)
        try:
            build(draft)
            os.rename(draft, path)
        finally:
            remove(draft)
    return path
