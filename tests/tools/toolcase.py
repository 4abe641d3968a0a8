# SPDX-License-Identifier: GPL-2.0-or-later
"""nemu-img and nemu-io, their peers of QEMU, and results as TAP.

A test is a function marked with @test, run in a directory of its own. It
fails with an exception; check() makes one from a condition.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from typing import Any, Callable, List, NamedTuple, Tuple

TIMEOUT = 30                    # seconds; nothing here takes ten
tests: List[Callable[[], None]] = []


class Tools(NamedTuple):
    """Where the two programs of one project are."""
    name: str
    img: str
    io: str


class Skip(Exception):
    """The host lacks what the test needs."""


NEMU = Tools("nemu", os.path.abspath(os.environ["NEMU_IMG"]),
             os.path.abspath(os.environ["NEMU_IO"]))


def qemu() -> Tools:
    """The peer; tests that need it are skipped without it."""
    img, io = shutil.which("qemu-img"), shutil.which("qemu-io")
    if not img or not io:
        raise Skip("qemu-img and qemu-io are not installed")
    return Tools("qemu", img, io)


def have(part: str) -> bool:
    """Whether NEMU was built with it."""
    return os.environ.get("HAVE_" + part) != "0"


def test(function: Callable[[], None]) -> Callable[[], None]:
    tests.append(function)
    return function


def check(condition: Any, *text: Any) -> None:
    if not condition:
        raise AssertionError(" ".join(str(x) for x in text))


def main() -> int:
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, function in enumerate(tests, 1):
        name = function.__name__
        folder = tempfile.mkdtemp(prefix="nemu-test-")
        os.chdir(folder)
        try:
            function()
            print("ok %d %s" % (number, name))
        except Skip as reason:
            print("ok %d %s # SKIP %s" % (number, name, reason))
        except Exception:       # pylint: disable=broad-except
            print("not ok %d %s" % (number, name))
            traceback.print_exc(file=sys.stdout)
            failed += 1
        finally:
            os.chdir("/")
            shutil.rmtree(folder)
        sys.stdout.flush()
    return 1 if failed else 0


def run(*args: str) -> Tuple[int, str, str]:
    """(exit status, standard output, standard error)."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    return (done.returncode, done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"))


def good(*args: str) -> str:
    """Run what has to succeed; its standard output."""
    status, out, err = run(*args)
    check(status == 0, args, status, out, err)
    return out


def plain(text: str) -> str:
    """Without what differs from program to program and run to run."""
    text = re.sub(r"\b(?:qemu|nemu)-(img|io)\b", r"\1", text)
    text = re.sub(r"; (?:\S+ sec|\S+) \(.*ops/sec\)", "; TIME", text)
    # What a value can be, and what may have been meant: ours alone.
    text = re.sub(r" \(valid: [^)]*\)|, did you mean '[^']*'\?", "", text)
    return re.sub(r"\r?    \(\d+\.\d\d/100%\)", "", text)


class Model:
    """What an image holds, changed by the same commands as the image."""

    def __init__(self, size: int, seed: int) -> None:
        self.data = bytearray(size)
        self.random = random.Random(seed)

    def change(self, unit: int, count: int, with_discard: bool) -> List[str]:
        """Commands for an io tool, applied here as well."""
        commands = []
        for number in range(count):
            size = len(self.data)
            offset = self.random.randrange(size)
            if self.random.random() < 0.5:
                offset -= offset % unit
            length = min(self.random.randrange(1, 4 * unit), size - offset)
            kind = self.random.choice(["write", "write", "write", "zero",
                                       "unmap"])
            if kind == "write":
                byte = self.random.randrange(1, 256)
                commands.append("write -q -P %d %d %d" % (byte, offset, length))
                self.data[offset:offset + length] = bytes([byte]) * length
            else:
                flag = "-zu" if kind == "unmap" and with_discard else "-z"
                commands.append("write -q %s %d %d" % (flag, offset, length))
                self.data[offset:offset + length] = bytes(length)
            if number % 16 == 15:
                commands.append("flush")
        return commands

    def save(self, path: str) -> None:
        with open(path, "wb") as f:
            f.write(self.data)


def apply(tools: Tools, image_format: str, path: str,
          commands: List[str]) -> None:
    args = [tools.io, "-f", image_format]
    for command in commands:
        args += ["-c", command]
    status, out, err = run(*args, path)
    check(status == 0 and "ailed" not in out, tools.name, path, out, err)
