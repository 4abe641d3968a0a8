# SPDX-License-Identifier: GPL-2.0-or-later
"""virtio-blk under a stock kernel: what its driver asks for, and what a
disk's nodes do meanwhile. fio comes from Debian's root disk."""
import contextlib
import json
import os
import subprocess
import time
from typing import Any, List, Optional

from case import case
from disks import (PEER, TOOLS, Node, blockdev, find_node, fio, image_node,
                   img, io, need, run, tools_args, written)
from guest import Env, Guest, GuestError

MIB = 1 << 20
NEEDS = ["bzimage", "guest", "root"]
END = ["-no-reboot"]


def filled_image(env: Env, name: str, size_mib: int, pattern: int,
                 *options: str) -> str:
    """A qcow2 image all of whose bytes have the same value."""
    path = env.path(name + ".qcow2")
    run([img(env), "create", "-q", "-f", "qcow2", *options, path,
         "%dM" % size_mib])
    run([io(env), "-f", "qcow2", "-c", "write -P %d 0 %dM" % (
        pattern, size_mib), path])
    return path


def disk(node: Node, name: str = "disk0", options: str = "") -> List[str]:
    node.setdefault("node-name", name + "-node")
    return blockdev(node) + ["-device", "virtio-blk-pci,drive=%s,id=%s%s" % (
        node["node-name"], name, options)]


def blocks(path: str) -> int:
    """Bytes that a file takes on its disk."""
    return os.stat(path).st_blocks * 512


def what_is_at(env: Env, path: str, mib: int) -> str:
    """What both tools say of the allocation there: data, zero or hole."""
    kinds = set()
    for tool in (img(env), PEER):
        for part in json.loads(run([tool, "map", "--output=json", "-f",
                                    "qcow2", path])):
            if 0 <= mib * MIB - part["start"] < part["length"]:
                kinds.add("data" if part["data"] else
                          "zero" if part["zero"] else "hole")
    if len(kinds) != 1:
        raise GuestError("the tools differ about %d MiB: %s" % (mib, kinds))
    return kinds.pop()


PROPERTIES = """
cd /sys/block/vda
echo "SERIAL $(cat serial)"
for f in logical_block_size physical_block_size minimum_io_size \\
         optimal_io_size discard_granularity; do
    echo "$f $(cat queue/$f)"
done
cd ..
for d in vda vdb vdc; do echo "CACHE $d $(cat $d/cache_type)"; done
echo "RO $(cat vd?/ro | tr -d '\\n')"
echo 'write through' > vda/cache_type
echo "NOW $(cat vda/cache_type) $(cat vda/queue/write_cache)"
dd if=/dev/zero of=/dev/vda bs=4k count=8 oflag=direct 2>/dev/null || exit 1
read line < /dev/ttyS0
echo 'write back' > vda/cache_type
echo "NOW $(cat vda/cache_type)"
n=0; last=16384
while [ $n -lt 600 ]; do
    size=$(cat vda/size)
    [ $size = $last ] || echo "SIZE $size"
    [ $size = 32768 ] && break
    last=$size; n=$((n + 1)); usleep 100000
done
dd if=/dev/zero of=/dev/vda bs=1M seek=15 count=1 oflag=direct 2>/dev/null
"""


def writeback(guest: Guest) -> bool:
    """Whether disk0 has its write cache on."""
    return [bool(info["inserted"]["cache"]["writeback"])
            for info in guest.qmp.cmd("query-block")
            if "disk0" in info["qdev"].split("/")][0]


@case(timeout=200)
def test_properties(env: Env) -> None:
    """Serial number, block sizes, hints, cache modes and new sizes arrive;
    the guest can switch the write cache."""
    props = {"logical_block_size": 1024, "physical_block_size": 4096,
             "min_io_size": 8192, "opt_io_size": 65536,
             "discard_granularity": 32768, "serial": "0123456789abcdefghijk"}
    path = env.path("disk.qcow2")
    run([img(env), "create", "-q", "-f", "qcow2", path, "8M"])
    args = disk(image_node(path, discard="unmap"), options="".join(
        ",%s=%s" % item for item in props.items()))
    for name, options in (("disk1", ",write-cache=off"),
                          ("disk2", ",config-wce=off")):
        node = image_node(env.new_disk(name, 4), "raw",
                          **{"read-only": name == "disk2"})
        args += disk(node, name, options)
    with env.guest(script=PROPERTIES, args=args + END) as guest:
        for line in ("SERIAL 0123456789abcdefghij",     # 20 bytes of it
                     "logical_block_size 1024", "physical_block_size 4096",
                     "minimum_io_size 8192", "optimal_io_size 65536",
                     "discard_granularity 32768",
                     "CACHE vda write back", "CACHE vdb write through",
                     "CACHE vdc write back", "RO 001",
                     "NOW write through write through"):
            guest.expect("^%s$" % line)
        if writeback(guest):
            raise guest.fail("the cache is on after it was switched off")
        guest.send("\n")
        guest.expect("^NOW write back$")
        if not writeback(guest):
            raise guest.fail("the cache is off after it was switched on")
        for mib in 12, 6, 16:
            guest.qmp.cmd("block_resize", node_name="disk0-node",
                          size=mib * MIB)
            guest.expect("^SIZE %d$" % (mib * MIB // 512))
        guest.finish()
    for tool in (img(env), PEER):
        run([tool, "check", path])


# bash, as busybox would rather run applets of its own.
DISCARD = TOOLS + """
tool() { chroot /tools /bin/bash -c "PATH=/usr/sbin:/usr/bin; $*"; }
cd /sys/block/vda/queue
[ $(cat discard_max_bytes) -gt 0 ] || exit 1
[ $(cat write_zeroes_max_bytes) -gt 0 ] || exit 2
for d in vda vdb; do
    tool blkdiscard -o 4M -l 2M /dev/$d || exit 3
    tool blkdiscard -z -o 8M -l 2M /dev/$d || exit 4
    tool fallocate -p -o 12M -l 2M /dev/$d || exit 5
    for skip in 4 8 12; do
        n=$(dd if=/dev/$d bs=1M skip=$skip count=2 iflag=direct 2>/dev/null |
            tr -d '\\0' | wc -c)
        echo "LEFT $d $skip $n"
    done
done
tool mkfs.ext4 -q -E discard /dev/vdc || exit 6
mount -t ext4 /dev/vdc /mnt || exit 7
dd if=/dev/urandom of=/mnt/data bs=1M count=16 2>/dev/null; sync
echo MADE; read line < /dev/ttyS0
rm /mnt/data; sync
fstrim /mnt || exit 8
umount /mnt
"""


@case(needs=NEEDS, timeout=300)
def test_discard(env: Env) -> None:
    """blkdiscard, zero-out, a file system on a full image and fstrim make
    holes in images, unless discard is ignored."""
    need(PEER)
    paths = [filled_image(env, "unmap", 16, 7),
             filled_image(env, "ignore", 16, 7), filled_image(env, "fs", 64, 9)]
    args = []
    for n, path in enumerate(paths):
        how = "ignore" if n == 1 else "unmap"
        args += disk(image_node(path, discard=how, file_options={
            "discard": how}), "disk%d" % n)
    before = blocks(paths[0])
    with env.guest(script=DISCARD, args=args + tools_args(env) +
                   END) as guest:
        guest.expect("^MADE$")
        full = blocks(paths[2])
        guest.send("\n")
        text = guest.finish()
    for line in ("vda 4 0", "vda 8 0", "vda 12 0", "vdb 4 %d" % (2 * MIB),
                 "vdb 8 0", "vdb 12 0"):
        if "LEFT %s\n" % line not in text:
            raise GuestError("no '%s' in\n%s" % (line, text))
    for n, at, want in ((0, 2, "data"), (0, 4, "zero"), (0, 8, "zero"),
                        (0, 12, "zero"), (1, 4, "data"), (1, 8, "zero")):
        got = what_is_at(env, paths[n], at)
        if got != want:
            raise GuestError("%s has %s at %d MiB, not %s" % (
                paths[n], got, at, want))
    freed = before - blocks(paths[0])   # -z asks to keep the space
    if not 3.8 * MIB < freed < 4.2 * MIB:
        raise GuestError("the file became %d bytes smaller" % freed)
    if not 16 * MIB < full < 32 * MIB or full - blocks(paths[2]) < 15 * MIB:
        raise GuestError("%d bytes with a file of 16 MiB, %d after fstrim" % (
            full, blocks(paths[2])))
    for path in paths:
        for tool in (img(env), PEER):
            run([tool, "check", path])


def thread_seconds(guest: Guest) -> List[float]:
    """CPU time of each iothread."""
    times = []
    for thread in guest.qmp.cmd("query-iothreads"):
        with open("/proc/%d/task/%d/stat" % (
                guest.process.pid, thread["thread-id"]),
                  encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        times.append((int(fields[11]) + int(fields[12])) / 100)
    return times


@case(needs=NEEDS, timeout=400)
def test_iothread_vq_mapping(env: Env) -> None:
    """Four queues of two iothreads, a job of fio on each CPU."""
    script = TOOLS + """
[ $(ls -d /sys/block/vda/mq/* | wc -l) = 4 ] || exit 1
%s || { cat /tools/tmp/fio; exit 2; }
echo DONE
read line < /dev/ttyS0
""" % fio(name="queues", numjobs=4, size="1m", offset_increment="4m",
          cpus_allowed="0-3", cpus_allowed_policy="split", iodepth=4)
    path = env.path("disk.qcow2")
    run([img(env), "create", "-q", "-f", "qcow2", path, "32M"])
    device = {"driver": "virtio-blk-pci", "drive": "disk0-node",
              "id": "disk0", "num-queues": 4, "iothread-vq-mapping": [
                  {"iothread": "io0", "vqs": [0, 3]},
                  {"iothread": "io1", "vqs": [1, 2]}]}
    args = blockdev({"node-name": "disk0-node", **image_node(path)}) + [
        "-object", "iothread,id=io0", "-object", "iothread,id=io1",
        "-device", json.dumps(device)]
    with env.guest(script=script, cpus=4, args=args + tools_args(env) +
                   END) as guest:
        guest.expect("^DONE$", 240)
        times = thread_seconds(guest)
        guest.send("\n")
        guest.finish()
    if len(times) != 2 or min(times) <= 0.02:
        raise GuestError("the iothreads used %s seconds" % times)
    run([PEER, "check", path])


def loop_script(before: str = "", **options: Any) -> str:
    """Rounds of fio, until a line comes in; the last words are its count."""
    return TOOLS + before + """
n=0
(read line < /dev/ttyS0; touch /tmp/stop) &
echo LOAD
while [ ! -e /tmp/stop ]; do
    n=$((n + 1))
    %s --randseed=$n || { cat /tools/tmp/fio; exit 2; }
done
echo "ROUNDS $n"
""" % fio(**options)


def flow(guest: Guest, mib: int = 1, timeout: float = 300) -> None:
    """Wait until that much more was written to disk0."""
    end = time.monotonic() + timeout
    try:
        want = written(guest, "disk0") + mib * MIB
        while written(guest, "disk0") < want:
            if time.monotonic() > end:
                raise guest.fail("nothing is written")
            time.sleep(0.1)
    except OSError:
        guest.finish()                  # tells how it ended
        raise


def end_load(guest: Guest) -> None:
    guest.send("\n")
    print("%s rounds of fio" % guest.expect(r"^ROUNDS (\d+)$").group(1))
    guest.finish()


@case(needs=NEEDS + ["scratch"], timeout=400)
def test_reopen(env: Env) -> None:
    """blockdev-reopen changes caches, discard, and the cache mode of the
    file below while fio verifies; what it reads is copied into the overlay."""
    need(PEER)
    where, base = env.file("scratch"), filled_image(env, "base", 16, 5)
    run([img(env), "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2",
         where])
    file: Node = {"driver": "host_device", "filename": where,
                  "node-name": "f0", "aio": "threads",
                  "cache": {"direct": False, "no-flush": False}}
    node: Node = {"driver": "qcow2", "node-name": "q0", "file": "f0",
                  "backing": "b0"}
    args = blockdev(file) + blockdev(image_node(base, **{
        "node-name": "b0", "read-only": True})) + blockdev(node) + disk(
            {"driver": "copy-on-read", "file": "q0"})
    changes: List[Node] = [
        {**node, "discard": "unmap", "detect-zeroes": "unmap",
         "lazy-refcounts": True, "overlap-check": "all"},
        {**file, "cache": {"direct": True, "no-flush": False}},
        {**node, "l2-cache-size": 65536, "l2-cache-entry-size": 4096},
        file]
    script = loop_script(bs="12k", rw="randrw", before="""
[ $(dd if=/dev/vda bs=64k skip=192 count=16 iflag=direct 2>/dev/null |
    tr -d '\\5' | wc -c) = 0 ] || exit 1
""")
    with env.guest(script=script, args=args + tools_args(env) +
                   END) as guest:
        guest.expect("^LOAD$")
        for options in changes:
            flow(guest)
            guest.qmp.cmd("blockdev-reopen", options=[options])
        flow(guest)
        if find_node(guest, "q0")["detect_zeroes"] != "off":
            raise guest.fail("the last reopen had no effect")
        end_load(guest)
    depth = {at: part["depth"] for part in json.loads(run(
        [img(env), "map", "--output=json", where])) for at in (12, 14)
        if 0 <= at * MIB - part["start"] < part["length"]}
    if depth != {12: 0, 14: 1}:
        raise GuestError("the parts are in layers %s" % depth)
    for tool in (img(env), PEER):
        run([tool, "check", "-f", "qcow2", where])


class NbdServer:
    """nbdkit on a file."""

    def __init__(self, env: Env, path: str, *options: str) -> None:
        need("nbdkit")
        self.socket = env.path("nbd.sock")
        self._command = ["nbdkit", "-f", "--exit-with-parent", "-U",
                         self.socket, *options, "file", path]
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)
        self._process = subprocess.Popen(self._command,
                                         stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self._process.poll() is not None or time.monotonic() > end:
                raise GuestError("nbdkit did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


def psk_objects(env: Env) -> List[str]:
    with open(env.path("keys.psk"), "w", encoding="ascii") as out:
        out.write("qemu:%s\n" % ("5a" * 16))
    return ["-object", "tls-creds-psk,id=tls0,endpoint=client,dir=%s" %
            env.folder]


@case(needs=NEEDS, timeout=400)
def test_nbd_reconnect(env: Env) -> None:
    """The server dies twice under fio and comes back: no error is seen."""
    secret = psk_objects(env)
    server = NbdServer(env, env.new_disk("disk.raw", 32), "--tls=require",
                       "--tls-psk=" + env.path("keys.psk"))
    server.start()
    node: Node = {"driver": "nbd", "reconnect-delay": 120, "server": {
        "type": "unix", "path": server.socket}, "tls-creds": "tls0"}
    args = secret + ["-object", "iothread,id=io0"] + disk(
        node, options=",iothread=io0")
    try:
        with env.guest(script=loop_script(bs="8k", size="2m"),
                       args=args + tools_args(env) + END) as guest:
            guest.expect("^LOAD$")
            for _ in range(2):
                flow(guest)
                server.kill()
                time.sleep(1)
                server.start()
            flow(guest)
            end_load(guest)
    finally:
        server.kill()
