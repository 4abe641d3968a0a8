# SPDX-License-Identifier: GPL-2.0-or-later
"""nemu-img and nemu-io, and their peers of QEMU; tests as of tapcase."""
import os
import random
import re
import shutil
import subprocess
import sys
from typing import List, NamedTuple, Tuple

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# pylint: disable=wrong-import-position, unused-import
from tapcase import Skip, check, main, test             # noqa: E402, F401

TIMEOUT = 30                    # seconds; nothing here takes ten


class Tools(NamedTuple):
    """Where the two programs of one project are."""
    name: str
    img: str
    io: str


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
