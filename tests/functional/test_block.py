# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian guest on a chain of qcow2 images: what users do to disks at work.

The root file system of the lab, compressed by zstd, is the base of a chain,
with an encrypted layer on top of it and one with subclusters. The disk is
longer than the file system: what lies behind it belongs to fio, which also has
a file. While it writes and verifies, the graph changes under it.
"""
import contextlib
import hashlib
import os
import time
from typing import List

from case import case
from disks import (PEER, Node, blockdev, image_node, img, io, json_name,
                   need, run, written)
from guest import Env, Guest, GuestError
from test_systemd import BOOT_S

MIB = 1 << 20
START = time.monotonic()
FS_MIB = 1024                           # what the root disk has
TAIL_MIB = 16
ADDED_MIB = 8
DISK_MIB = FS_MIB + TAIL_MIB
SECRET = ["--object", "secret,id=chain-key,data=open-sesame"]

LOAD = """#!/bin/sh
# Rounds of fio, each with other data, until /run/stop is there.
n=0
while [ ! -e /run/stop ]; do
    n=$((n + 1))
    fio --eta=never --randseed=$n --output=/run/fio.$n /root/load.fio || exit 1
    [ $(grep -c 'err= 0' /run/fio.$n) = 2 ] || exit 2
    echo $n > /run/rounds
done
"""
JOBS = """[global]
allow_mounted_write=1
ioengine=libaio
iodepth=8
direct=1
rw=randwrite
verify=crc32c
verify_fatal=1
fsync=64
[raw]
filename=/dev/vda
offset=%dm
size=%dm
bsrange=4k-64k
[file]
filename=/root/fio.dat
size=4m
bs=4k
""" % (FS_MIB, TAIL_MIB)


def add_load(env: Env, disk: str) -> None:
    """Put the load into the root file system."""
    place = env.path("mnt")
    os.makedirs(place)
    run(["mount", "-t", "ext4", disk, place])
    try:
        for name, text in (("load", LOAD), ("load.fio", JOBS)):
            path = os.path.join(place, "root", name)
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            os.chmod(path, 0o755)
    finally:
        run(["umount", place])


def name_of(path: str) -> str:
    """The name of an image's node."""
    return os.path.splitext(os.path.basename(path))[0]


class Chain:
    """The images of a disk, the oldest first; all but the last read only."""

    def __init__(self, env: Env, folder: str) -> None:
        self.env = env
        self.folder = folder
        self.paths: List[str] = []

    def make(self) -> None:
        """The base, two layers, and the overlay that the guest writes to."""
        ours, size = img(self.env), "%dM" % DISK_MIB
        disk = self.env.file("root")
        add_load(self.env, disk)
        self.paths = [self.path(name) for name in (
            "base", "mid", "top", "ov0")]
        base, mid, top, overlay = self.paths
        run([ours, "convert", "-f", "raw", "-O", "qcow2", "-c", "-o",
             "compression_type=zstd", disk, base])
        run([ours, "create", "-q"] + SECRET + [
            "-f", "qcow2", "-b", base, "-F", "qcow2", "-o",
            "encrypt.format=luks,encrypt.key-secret=chain-key,"
            "encrypt.iter-time=10", mid, size])
        self.mark(mid, 1)
        run([PEER, "create", "-q"] + ["-f", "qcow2", "-u", "-b", mid, "-F",
             "qcow2", "-o", "extended_l2=on,cluster_size=128k", top, size])
        self.mark(top, 2)
        run([ours, "create", "-q", "-f", "qcow2", "-u", "-b", top, "-F",
             "qcow2", overlay, size])

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name + ".qcow2")

    def mark(self, path: str, layer: int) -> None:
        """Give a layer data of its own in what is behind the file system."""
        run([io(self.env)] + SECRET + [
            "-c", "write -P %d %dM 4M" % (layer, FS_MIB + 4 * layer),
            json_name(self.node(path))])

    def node(self, path: str, live: bool = False) -> Node:
        """An image with all below it; live: as the guest has it."""
        index = self.paths.index(path)
        options: Node = dict(self.live_options(path)) if live else {}
        if index == 1:
            options["encrypt"] = {"format": "luks", "key-secret": "chain-key"}
        if index:
            options["backing"] = self.node(self.paths[index - 1], live)
        return image_node(path, **options)

    @staticmethod
    def live_options(path: str) -> Node:
        """The encrypted layer is read through the page cache by threads."""
        mid = name_of(path) == "mid"
        return {"node-name": name_of(path), "discard": "unmap",
                "file_options": {"aio": "threads" if mid else "io_uring"},
                "cache": {"direct": not mid, "no-flush": False}}

    def new_overlay(self, name: str) -> str:
        """An image of the last one's size above it, made by the tool."""
        path = self.path(name)
        run([img(self.env), "create", "-q", "-f", "qcow2", "-u", "-b",
             self.paths[-1], "-F", "qcow2", path, "%dM" % DISK_MIB])
        return path

    def check(self) -> None:
        """All is clean, and both tools read the same."""
        for path in self.paths:
            for tool in (img(self.env), PEER):
                run([tool, "check"] + SECRET + [json_name(self.node(path))])
        raw, top = self.env.path("all.raw"), self.node(self.paths[-1])
        run([img(self.env), "convert"] + SECRET + ["-O", "raw",
                                                   json_name(top), raw])
        run([PEER, "compare"] + SECRET + [json_name(image_node(raw, "raw")),
                                          json_name(top)])

    def tail_digest(self) -> str:
        """Of what is behind the file system, in the raw copy of check()."""
        digest = hashlib.md5()
        with open(self.env.path("all.raw"), "rb") as raw:
            raw.seek(FS_MIB * MIB)
            digest.update(raw.read())
        return digest.hexdigest()


class Load:
    """fio at work in the guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        guest.shell("mount -o remount,rw /; /root/load & echo $! > /run/pid")
        self.flow()

    def flow(self, mib: int = 1, timeout: float = 300) -> None:
        """Wait until that much more was written."""
        want = written(self.guest, "disk0") + mib * MIB
        end = time.monotonic() + timeout
        while written(self.guest, "disk0") < want:
            self.check()
            if time.monotonic() > end:
                self.guest.shell("cat /run/fio.*")
                raise self.guest.fail("fio does not write")
            time.sleep(1)

    def check(self) -> None:
        """It ends early when it reads what it did not write."""
        self.guest.shell("kill -0 $(cat /run/pid) || { grep -h -e verify: -e "
                         "fio: -e err= /run/fio.*; false; }")

    def rounds(self) -> int:
        """Also fails when fio has failed."""
        text = self.guest.shell("kill -0 $(cat /run/pid) && "
                                "cat /run/rounds 2>&- || echo 0")
        return int(text.split()[-1])

    def stop(self, rounds: int = 1) -> None:
        """Let that many rounds pass, then end it."""
        want = self.rounds() + rounds
        while self.rounds() < want:
            time.sleep(1)
        self.guest.shell("touch /run/stop; wait $(cat /run/pid)", 240)
        print("%d rounds of fio" % self.rounds_done())

    def rounds_done(self) -> int:
        return int(self.guest.shell("cat /run/rounds").split()[-1])


class Storage:
    """File systems for images: `images`, and `small`, which is almost full.
    Other than tmpfs, ext4 has direct I/O."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self.mounted: List[str] = []
        run(["busybox", "modprobe", "-a", "crc32c_generic", "ext4", "loop"])
        self.images = self._mount("images", 640)
        self.small = self._mount("small", 96)
        self.filler = os.path.join(self.small, "filler")
        free = os.statvfs(self.small)
        run(["fallocate", "-l", str(free.f_bavail * free.f_bsize - 8 * MIB),
             self.filler])

    def _mount(self, name: str, size_mib: int) -> str:
        place = self.env.path(name)
        os.makedirs(place)
        disk = self.env.new_disk(name + ".img", size_mib)
        run(["mke2fs", "-q", "-t", "ext4", "-m", "0", disk])
        run(["mount", "-t", "ext4", "-o", "loop", disk, place])
        self.mounted.append(place)
        return place

    def make_room(self) -> None:
        os.unlink(self.filler)

    def close(self) -> None:
        for place in self.mounted:
            run(["umount", "-l", place])


def snapshot_by_name(guest: Guest, chain: Chain, path: str) -> None:
    """NEMU makes the file itself."""
    guest.qmp.cmd("blockdev-snapshot-sync",
                  node_name=name_of(chain.paths[-1]),
                  snapshot_file=path, snapshot_node_name=name_of(path),
                  format="qcow2")
    chain.paths.append(path)


def snapshot_by_node(guest: Guest, chain: Chain, name: str) -> None:
    """The tool makes it, and blockdev-add opens it."""
    path = chain.new_overlay(name)
    guest.qmp.cmd("blockdev-add", **image_node(
        path, backing=None, **chain.live_options(path)))
    guest.qmp.cmd("blockdev-snapshot", node=name_of(chain.paths[-1]),
                  overlay=name)
    chain.paths.append(path)


def grow_disk(guest: Guest, chain: Chain, node: str) -> None:
    """block_resize: the guest sees it, reads zeros there and can use it."""
    size = (DISK_MIB + ADDED_MIB) * MIB
    guest.qmp.cmd("block_resize", node_name=node, size=size)
    guest.shell("n=0; until [ $(cat /sys/block/vda/size) = %d ]; do "
                "n=$((n + 1)); [ $n -lt 60 ] && sleep 0.5 || break; done; "
                "[ $n -lt 60 ]" % (size // 512))
    where = "bs=1M skip=%d count=%d" % (DISK_MIB, ADDED_MIB)
    guest.shell("dd if=/dev/vda iflag=direct %s 2>&- | tr -d '\\0' | wc -c |"
                " grep -qx 0" % where)
    guest.shell("fio --name=added --filename=/dev/vda --offset=%dm --size=%dm"
                " --rw=randwrite --bs=32k --direct=1 --verify=crc32c "
                "--allow_mounted_write=1 --eta=never --output=/run/added &&"
                " grep -q 'err= 0' /run/added" % (DISK_MIB, ADDED_MIB))


def run_out_of_space(guest: Guest, storage: Storage, load: Load) -> None:
    """The machine stops with the right words, and goes on afterwards."""
    try:
        guest.qmp.wait_event("STOP", 120)
    except TimeoutError:
        load.check()
        raise
    status = guest.qmp.cmd("query-status")["status"]
    if status != "io-error":
        raise guest.fail("query-status says " + status)
    errors = []                         # all requests in flight may fail
    while guest.qmp.seen("BLOCK_IO_ERROR"):
        errors.append(guest.qmp.wait_event("BLOCK_IO_ERROR")["data"])
    if not errors or not all(e.get("nospace") and e["action"] == "stop" and
                             e["operation"] == "write" for e in errors):
        raise guest.fail("other errors than a full disk: %s" % errors)
    storage.make_room()
    guest.qmp.cmd("cont")
    guest.qmp.wait_event("RESUME")


def say(step: str) -> None:
    """What a log tells of how long things take."""
    print("%7.1f s  %s" % (time.monotonic() - START, step))


def change_all(guest: Guest, chain: Chain, storage: Storage) -> str:
    """Everything that may happen to a disk at work; returns the digest of
    what the guest reads in the end."""
    say("load")
    load = Load(guest)
    say("ov1")
    snapshot_by_name(guest, chain, chain.path("ov1"))
    load.flow()
    say("ov2")
    snapshot_by_node(guest, chain, "ov2")
    load.flow()
    say("grow")
    grow_disk(guest, chain, "ov2")
    load.flow()
    snapshot_by_name(guest, chain, os.path.join(storage.small, "ov3.qcow2"))
    say("fill")
    run_out_of_space(guest, storage, load)
    say("resumed")
    load.stop()
    say("stopped")
    if guest.qmp.seen("BLOCK_IO_ERROR"):
        raise guest.fail("more errors: %s" % guest.qmp.events)
    guest.shell("! dmesg | grep -i 'I/O error\\|EXT4-fs error'")
    return guest.shell("dd if=/dev/vda iflag=direct bs=1M skip=%d 2>&- | "
                       "md5sum" % FS_MIB).split()[0]


@case(needs=["bzimage", "guest", "root"], timeout=900)
def test_chain(env: Env) -> None:
    """Snapshots, a resize and a full disk under fio: no error, no mismatch,
    and every image is clean in the end."""
    need(PEER)
    storage = Storage(env)
    with contextlib.closing(storage):
        chain = Chain(env, storage.images)
        chain.make()
        say("boot")
        args = ["-object", "iothread,id=io0", "-object", SECRET[1]] + blockdev(
            chain.node(chain.paths[-1], True)) + [
                "-device", "virtio-blk-pci,drive=ov0,id=disk0,iothread=io0"]
        with env.guest(root="/dev/vda", memory_mib=512, modules="",
                       append="systemd.show_status=0 udev.log_level=3 "
                       "fsck.mode=skip", args=args) as guest:
            guest.expect("^GUEST-SHELL$", BOOT_S)
            digest = change_all(guest, chain, storage)
            guest.qmp.cmd("system_powerdown")
            guest.wait(180)
        say("check")
        chain.check()
        if chain.tail_digest() != digest:
            raise GuestError("the images have other data than the guest read")
