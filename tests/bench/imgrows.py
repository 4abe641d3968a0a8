# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bench.py about images: nemu-img against qemu-img.

Both work on the same files, which QEMU's tools have made, one after the other.
A figure is requests per second of `bench`, or MB of guest data per second of
`convert`; of several runs the best counts, as other work on the machine can
only take away.
"""
import os
import re
import subprocess
import time
from typing import Callable, Dict, Iterator, List, NamedTuple

MIB = 1 << 20
DATA_MIB = 256
REQUESTS = {1: 4000, 64: 20000}
STEP = "64k"


class ImageRow(NamedTuple):
    """A row of the table, and how much faster nemu-img should be."""
    name: str
    unit: str
    values: Dict[str, float]
    factor: float


def quiet(*args: str) -> None:
    subprocess.run(args, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=300)


class Images:
    """The files, and the two programs."""

    def __init__(self, nemu: str, peer: str, peer_io: str, folder: str,
                 runs: int) -> None:
        self.programs = {"nemu": nemu, "qemu": peer}
        self.peer, self.peer_io = peer, peer_io
        self.folder, self.runs = folder, runs

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def make(self) -> None:
        create = [self.peer, "create", "-q", "-f"]
        size = "%dM" % DATA_MIB
        quiet(*create, "raw", self.path("raw"), size)
        with open(self.path("raw"), "r+b") as f:
            # Half of it can be compressed, nothing of it is zeros.
            for _ in range(DATA_MIB):
                f.write(os.urandom(MIB // 2) + b"\5" * (MIB // 2))
        for name, args in (("qcow2", []), ("zlib", ["-c"]),
                           ("zstd", ["-c", "-o", "compression_type=zstd"])):
            quiet(self.peer, "convert", "-O", "qcow2", *args,
                  self.path("raw"), self.path(name))
        # L2 tables of 32 GiB do not fit a cache of 32 MiB's worth at 4 KiB.
        quiet(*create, "qcow2", "-o", "cluster_size=4k,preallocation=metadata",
              self.path("cold"), "4G")
        below = "qcow2"
        for number in range(4):
            name = "chain%d" % number
            quiet(*create, "qcow2", "-b", self.path(below), "-F", "qcow2",
                  self.path(name))
            quiet(self.peer_io, "-f", "qcow2", "-c", "write -q -P %d %dM 16M"
                  % (number + 1, 32 * number), self.path(name))
            below = name

    def new_image(self) -> None:
        quiet(self.peer, "create", "-q", "-f", "qcow2", self.path("new"), "2G")

    def best(self, command: Callable[[str], float],
             before: Callable[[], None]) -> Dict[str, float]:
        """The best of each program; they take turns."""
        result = {name: 0.0 for name in self.programs}
        for _ in range(self.runs):
            for name, program in self.programs.items():
                before()
                result[name] = max(result[name], command(program))
        return result

    def requests(self, *args: str) -> Callable[[str], float]:
        def run(program: str) -> float:
            out = subprocess.run([program, "bench", *args], check=True,
                                 stdin=subprocess.DEVNULL, timeout=300,
                                 stdout=subprocess.PIPE).stdout.decode()
            found = re.search(r"completed in ([\d.]+) seconds", out)
            count = int(args[args.index("-c") + 1])
            return count / max(float(found.group(1)) if found else 0, 1e-3)
        return run

    def conversion(self, source: str, *args: str) -> Callable[[str], float]:
        def run(program: str) -> float:
            start = time.monotonic()
            quiet(program, "convert", *args, self.path(source),
                  self.path("out"))
            return DATA_MIB * MIB / 1e6 / (time.monotonic() - start)
        return run

    def bench_rows(self) -> Iterator[ImageRow]:
        kinds = (("raw read", "raw", "raw", [], 1.0),
                 ("qcow2 read", "qcow2", "qcow2", [], 1.0),
                 ("qcow2 write", "qcow2", "qcow2", ["-w"], 1.0),
                 ("qcow2 allocating write", "new", "qcow2", ["-w"], 1.2),
                 ("cold L2 read", "cold", "qcow2", ["-S", "9M"], 1.2),
                 ("chain of 5, read", "chain3", "qcow2", [], 1.0),
                 ("zlib read", "zlib", "qcow2", [], 1.0),
                 ("zstd read", "zstd", "qcow2", [], 1.0))
        for name, image, image_format, more, factor in kinds:
            for cache in "none", "writeback":
                for aio in "threads", "io_uring":
                    for depth in 1, 64:
                        args = ["-f", image_format, "-t", cache, "-i", aio,
                                "-d", str(depth), "-S", STEP, *more,
                                "-c", str(REQUESTS[depth]), self.path(image)]
                        before = (self.new_image if image == "new" else
                                  lambda: None)
                        yield ImageRow(
                            "img: %s, %s, %s, depth %d" % (name, cache, aio,
                                                           depth), "1/s",
                            self.best(self.requests(*args), before), factor)

    def convert_rows(self) -> Iterator[ImageRow]:
        plain: List[str] = ["-O", "qcow2"]
        kinds = (("raw to qcow2", "raw", plain),
                 ("qcow2 to raw", "qcow2", ["-O", "raw"]),
                 ("qcow2 to qcow2, any order", "qcow2", ["-W", *plain]),
                 ("chain of 5 to qcow2", "chain3", plain),
                 ("zlib to raw", "zlib", ["-O", "raw"]),
                 ("zstd to raw", "zstd", ["-O", "raw"]),
                 ("raw to zlib", "raw", ["-c", *plain]),
                 ("raw to zstd", "raw",
                  ["-c", "-o", "compression_type=zstd", *plain]))
        for name, source, args in kinds:
            yield ImageRow("img: convert %s" % name, "MB/s",
                           self.best(self.conversion(source, *args),
                                     lambda: None), 1.0)


def measure(nemu: str, peer: str, peer_io: str, folder: str,
            runs: int) -> Iterator[ImageRow]:
    images = Images(nemu, peer, peer_io, folder, runs)
    images.make()
    yield from images.convert_rows()
    yield from images.bench_rows()
