# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bench.py about images: nemu-img against qemu-img.

Both work on the same files, which QEMU's tools have made, one after the other.
A figure is requests per second of `bench`, MB of guest data per second of
`convert`, or its peak memory: the median of several runs in which the programs
take turns, and beside it the best, as other work on the machine only takes away.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

MIB = 1 << 20
DATA_MIB = 256
REQUESTS = {("none", 1): 4000, ("none", 64): 24000,
            ("writeback", 1): 6000, ("writeback", 64): 20000}
STEP = "64k"
# A table maps 512 MiB in clusters of 64 KiB: each request of these is for a
# table that was not used yet.
COLD_SIZE = "1T"
COLD_STEP = str((512 << 20) + (64 << 10))
COLD_REQUESTS = 2000
CONVERT_MIB = 64


class ImageRow(NamedTuple):
    """A row of the table, and what nemu-img should reach: so many times the
    peer's figure, or (without a peer) at most so much."""
    name: str
    unit: str
    values: Dict[str, float]
    factor: float
    peer: str = "qemu"


def quiet(*args: str, pass_fds: Iterable[int] = ()) -> None:
    subprocess.run(args, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=300,
                   pass_fds=tuple(pass_fds))


class Images:
    """The files, and the two programs."""

    def __init__(self, programs: Dict[str, str], measure_tool: str,
                 folder: str, runs: int, realtime: bool) -> None:
        self.programs = {name: programs[name] for name in ("nemu", "qemu")}
        self.peer, self.peer_io = programs["qemu"], programs["qemu-io"]
        self.measure_tool = measure_tool
        self.folder, self.runs = folder, runs
        # Before all other work of the machine.
        self.ahead = ("chrt", "-r", "1") if realtime else ()
        self.wanted = re.compile("")

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
        quiet(*create, "qcow2", "-o", "preallocation=metadata",
              self.path("cold"), COLD_SIZE)
        quiet(*create, "qcow2", self.path("empty"), "2G")
        below = "qcow2"
        for number in range(4):
            name = "chain%d" % number
            quiet(*create, "qcow2", "-b", self.path(below), "-F", "qcow2",
                  self.path(name))
            quiet(self.peer_io, "-f", "qcow2", "-c", "write -q -P %d %dM 16M"
                  % (number + 1, 32 * number), self.path(name))
            below = name

    def new_image(self) -> None:
        # A copy, since `create` waits until all is on the disk.
        shutil.copyfile(self.path("empty"), self.path("new"))

    def turns(self, command: Callable[[str], float],
              before: Callable[[], None]) -> Dict[str, float]:
        """The medians of the programs, then the best of each."""
        seen: Dict[str, List[float]] = {name: [] for name in self.programs}
        for _ in range(self.runs):
            for name, program in self.programs.items():
                before()
                seen[name].append(command(program))
        result = {name: statistics.median(of) for name, of in seen.items()}
        result.update((name + " best", max(of)) for name, of in seen.items())
        return result

    def requests(self, *args: str) -> Callable[[str], float]:
        def run(program: str) -> float:
            out = subprocess.run([*self.ahead, program, "bench", *args],
                                 check=True,
                                 stdin=subprocess.DEVNULL, timeout=300,
                                 stdout=subprocess.PIPE).stdout.decode()
            found = re.search(r"completed in ([\d.]+) seconds", out)
            count = int(args[args.index("-c") + 1])
            return count / max(float(found.group(1)) if found else 0, 1e-3)
        return run

    def conversion(self, program: str, source: str,
                   *args: str) -> Dict[str, float]:
        """What one took: wall_s, rss_kib."""
        read_fd, write_fd = os.pipe()
        with os.fdopen(read_fd, "rb") as pipe:
            # Descriptor 3 in the tool, whatever its number is here.
            quiet("sh", "-c", 'exec "$@" 3>&%d' % write_fd, "sh",
                  *self.ahead, self.measure_tool, program, "convert", *args,
                  self.path(source), self.path("out"), pass_fds=[write_fd])
            os.close(write_fd)
            figures: Dict[str, float] = json.loads(pipe.read())
        if figures["status"]:
            raise ValueError("%s convert failed" % program)
        return figures

    def bench_rows(self) -> Iterator[ImageRow]:
        kinds = (("raw read", "raw", "raw", [], 1.0),
                 ("raw write", "raw", "raw", ["-w"], 1.0),
                 ("qcow2 read", "qcow2", "qcow2", [], 1.0),
                 ("qcow2 write", "qcow2", "qcow2", ["-w"], 1.0),
                 ("qcow2 allocating write", "new", "qcow2", ["-w"], 1.2),
                 ("cold L2 read", "cold", "qcow2", [], 1.2),
                 ("chain of 5, read", "chain3", "qcow2", [], 1.0),
                 ("zlib read", "zlib", "qcow2", [], 1.0),
                 ("zstd read", "zstd", "qcow2", [], 1.0))
        for name, image, image_format, more, factor in kinds:
            for cache in "none", "writeback":
                for aio in "threads", "io_uring":
                    for depth in 1, 64:
                        args = ["-f", image_format, "-t", cache, "-i", aio,
                                "-d", str(depth), *more,
                                *self.pattern(image, cache, depth),
                                self.path(image)]
                        before = (self.new_image if image == "new" else
                                  lambda: None)
                        yield from self.row(ImageRow(
                            "img: %s, %s, %s, depth %d" % (name, cache, aio,
                                                           depth), "1/s",
                            {}, factor), self.requests(*args), before)

    @staticmethod
    def pattern(image: str, cache: str, depth: int) -> Tuple[str, ...]:
        if image == "cold":
            return "-S", COLD_STEP, "-c", str(COLD_REQUESTS)
        return "-S", STEP, "-c", str(REQUESTS[cache, depth])

    def convert_rows(self) -> Iterator[ImageRow]:
        plain: List[str] = ["-O", "qcow2"]
        kinds = (("raw to raw", "raw", ["-O", "raw"]),
                 ("raw to qcow2", "raw", plain),
                 ("qcow2 to raw", "qcow2", ["-O", "raw"]),
                 ("qcow2 to qcow2", "qcow2", plain),
                 ("qcow2 to qcow2, any order", "qcow2", ["-W", *plain]),
                 ("chain of 5 to qcow2", "chain3", plain),
                 ("zlib to raw", "zlib", ["-O", "raw"]),
                 ("zstd to raw", "zstd", ["-O", "raw"]),
                 ("raw to zlib", "raw", ["-c", *plain]),
                 ("raw to zstd", "raw",
                  ["-c", "-o", "compression_type=zstd", *plain]))
        for name, source, args in kinds:
            for cache in "none", "writeback":
                yield from self.convert_row(
                    "img: convert %s, %s" % (name, cache), source,
                    ["-T", cache, "-t", cache, *args])

    def convert_row(self, name: str, source: str,
                    args: List[str]) -> Iterator[ImageRow]:
        memory: Dict[str, float] = {}

        def run(program: str) -> float:
            figures = self.conversion(program, source, *args)
            memory[program] = max(memory.get(program, 0), figures["rss_kib"])
            return DATA_MIB * MIB / 1e6 / figures["wall_s"]

        yield from self.row(ImageRow(name, "MB/s", {}, 1.0), run, lambda: None)
        if memory:
            yield ImageRow(name + ", memory", "MiB",
                           {n: memory[p] / 1024
                            for n, p in self.programs.items()},
                           CONVERT_MIB, "")

    def row(self, row: ImageRow, command: Callable[[str], float],
            before: Callable[[], None]) -> Iterator[ImageRow]:
        """The row with its figures, if it is asked for."""
        if self.wanted.search(row.name):
            yield row._replace(values=self.turns(command, before))


def measure(programs: Dict[str, str], measure_tool: str, folder: str,
            turns: Tuple[int, bool], wanted: str) -> Iterator[ImageRow]:
    """@programs: paths of "nemu" and "qemu", two programs like qemu-img, and
    of "qemu-io". @turns: how many, and whether as real-time processes.
    @wanted: a pattern for the names of rows."""
    images = Images(programs, measure_tool, folder, *turns)
    images.wanted = re.compile(wanted)
    images.make()
    yield from images.convert_rows()
    yield from images.bench_rows()
