# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left of a guest's disk when its hypervisor is killed."""
import contextlib
import os
import subprocess
import time
from typing import Iterator, List

from case import case
from disks import (PEER, TOOLS, blockdev, image_node, img, need, run,
                   tools_args)
from guest import Env, GuestError


@contextlib.contextmanager
def mounted(env: Env, device: str) -> Iterator[str]:
    """A file system that takes direct I/O."""
    place = env.path("mnt")
    os.makedirs(place)
    run(["busybox", "modprobe", "-a", "crc32c_generic", "ext4"])
    run(["mke2fs", "-q", "-t", "ext4", device])
    run(["mount", "-t", "ext4", device, place])
    try:
        yield place
    finally:
        run(["umount", "-l", place])


WRITER = """
chroot /tools fio --name=bg --filename=/dev/vda --offset=32m --size=24m \\
    --rw=randwrite --bs=20k --direct=1 --ioengine=libaio --iodepth=8 \\
    --time_based --runtime=600 --eta=never --output=/tmp/fio &
n=0
while :; do
    yes $n | dd of=/dev/vda bs=64k seek=$n count=1 iflag=fullblock \\
        oflag=direct conv=fsync,notrunc 2>/dev/null || exit 1
    echo "KEPT $n"
    n=$((n + 1))
done
"""
READER = """
n=0
while [ $n -le @LAST@ ]; do
    a=$(yes $n | head -c 65536 | md5sum)
    b=$(dd if=/dev/vda bs=64k skip=$n count=1 2>/dev/null | md5sum)
    [ "$a" = "$b" ] || { echo "LOST $n"; exit 1; }
    n=$((n + 1))
done
"""


@case(needs=["bzimage", "guest", "root", "scratch"], timeout=300)
def test_kill(env: Env) -> None:
    """SIGKILL under load: what was flushed is there, and nothing is wrong
    but leaks; the same image then serves another guest."""
    need(PEER)
    with mounted(env, env.file("scratch")) as place:
        path = os.path.join(place, "disk.qcow2")
        run([img(env), "create", "-q", "-f", "qcow2", path, "64M"])
        last = write_and_kill(env, path)
        check_leaks_only(env, path)
        read_back(env, path, last)
        run([PEER, "check", "-f", "qcow2", path])


def disk_args(path: str) -> List[str]:
    node = image_node(path, cache={"direct": True, "no-flush": False},
                      file_options={"aio": "io_uring"})
    return ["-object", "iothread,id=io0"] + blockdev(
        {"node-name": "disk0-node", **node}) + [
            "-device", "virtio-blk-pci,drive=disk0-node,iothread=io0",
            "-no-reboot"]


def write_and_kill(env: Env, path: str) -> int:
    """Returns the number of the last block that was flushed."""
    with env.guest(script=TOOLS + WRITER, args=disk_args(path) +
                   tools_args(env)) as guest:
        guest.expect("^KEPT 24$", 180)
        guest.process.kill()
        guest.process.wait()
        while guest.alive():
            time.sleep(0.01)
        with contextlib.suppress(GuestError):
            guest.expect("^no such line$", 5)
        numbers = [int(line.split()[1]) for line in guest.output.split("\n")
                   [:-1] if line.startswith("KEPT ")]
    return max(numbers)


def check_leaks_only(env: Env, path: str) -> None:
    """3 is the status of an image with leaks alone."""
    for tool in (img(env), PEER):
        done = subprocess.run([tool, "check", "-f", "qcow2", path],
                              check=False, stdin=subprocess.DEVNULL,
                              text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode not in (0, 3):
            raise GuestError("%s check: %d\n%s" % (tool, done.returncode,
                                                   done.stdout))
    run([img(env), "check", "-q", "-f", "qcow2", "-r", "leaks", path])
    run([PEER, "check", "-f", "qcow2", path])


def read_back(env: Env, path: str, last: int) -> None:
    with env.guest(script=READER.replace("@LAST@", str(last)),
                   args=disk_args(path)) as guest:
        guest.finish()
    print("%d blocks are there" % (last + 1))
