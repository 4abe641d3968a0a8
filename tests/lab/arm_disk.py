# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Arm lab's guests start from: packed kernels, and a disk as an
installed system has it: GPT (UEFI 2.9, 5.3) with an EFI system partition that
holds systemd-boot, a kernel and its initramfs, and a root file system."""
import gzip
import os
import struct
import tempfile
import uuid
import zlib
from typing import List, Tuple

from cache import cached, file_digest
from debs import run
from images import need_busybox, source

SECTOR = 512
MIB = 1 << 20
ESP_MIB = 48
ROOT_MIB = 8
FIRST_LBA = MIB // SECTOR
ENTRIES = 128                           # of 128 bytes each, in 32 sectors
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_TYPE = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
# Those of the disk and of its partitions: always the same.
DISK_ID = uuid.UUID("6e656d75-0000-4000-8000-000000000000")
LOADER = {
    "loader/loader.conf": "timeout 0\n",
    "loader/entries/nemu.conf":
        "title NEMU's lab\nlinux /Image\ninitrd /guest.cpio\n"
        "options console=ttyAMA0 quiet panic=-1 guest.root=/dev/vda2 "
        "guest.modules=efivarfs\n",
}


# ---- Packed kernels ----

def _zboot(packed: bytes) -> bytes:
    """An EFI program that unpacks itself, as far as loaders look into it:
    Linux drivers/firmware/efi/libstub/zboot-header.S."""
    head = bytearray(64)
    struct.pack_into("<2sxx4sII", head, 0, b"MZ", b"zimg", len(head),
                     len(packed))
    head[24:28] = b"gzip"
    return bytes(head) + packed


def packed_kernel(image: str, kind: str) -> str:
    """Path of the kernel as "Image.gz" or "zboot"."""
    def build(path: str) -> None:
        with open(image, "rb") as kernel:
            packed = gzip.compress(kernel.read(), 1, mtime=0)
        with open(path, "wb") as out:
            out.write(packed if kind == "Image.gz" else _zboot(packed))
    return cached("arm-" + kind, "", [image], build)


# ---- The disk ----

def _header(lba: int, other: int, entries_lba: int, last: int,
            entries: bytes) -> bytes:
    head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0,
                       lba, other, 34, last, DISK_ID.bytes_le, entries_lba,
                       ENTRIES, 128, zlib.crc32(entries))
    return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]


def partition_table(parts: List[Tuple[uuid.UUID, int, int]],
                    sectors: int) -> Tuple[bytes, bytes]:
    """The first and the last sectors; @parts have a kind, a place, a size."""
    entries = b""
    for number, (kind, lba, count) in enumerate(parts):
        part = uuid.UUID(int=DISK_ID.int + number + 1)
        entries += kind.bytes_le + part.bytes_le + struct.pack(
            "<QQQ72s", lba, lba + count - 1, 0, b"")
    entries = entries.ljust(ENTRIES * 128, b"\0")
    mbr = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee,
                                   b"\xff\xff\xff", 1, sectors - 1)
    mbr = mbr.ljust(510, b"\0") + b"\x55\xaa"
    last = sectors - 34
    first = mbr + _header(1, sectors - 1, 2, last, entries).ljust(
        SECTOR, b"\0") + entries
    return first, entries + _header(sectors - 1, 1, sectors - 33, last,
                                    entries).ljust(SECTOR, b"\0")


def _make_esp(folder: str, kernel: str, guest: str, loader: str) -> str:
    esp = os.path.join(folder, "esp")
    with open(esp, "wb") as out:
        out.truncate(ESP_MIB * MIB)
    run(["mkfs.vfat", "-F", "32", "-n", "ESP", esp])
    run(["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT", "::/loader",
         "::/loader/entries"])
    files = {"EFI/BOOT/BOOTAA64.EFI": loader, "Image": kernel,
             "guest.cpio": guest}
    for name, text in LOADER.items():
        files[name] = os.path.join(folder, os.path.basename(name))
        with open(files[name], "w", encoding="ascii") as conf:
            conf.write(text)
    for name, path in files.items():
        run(["mcopy", "-i", esp, path, "::/" + name])
    return esp


def _make_root(folder: str, busybox: str) -> str:
    """A file system whose /sbin/init is arm-disk-init."""
    tree = os.path.join(folder, "tree")
    for name in ("bin", "sbin", "proc", "sys", "dev"):
        os.makedirs(os.path.join(tree, name))
    run(["cp", busybox, os.path.join(tree, "bin/busybox")])
    for applet in set(run([need_busybox(), "--list"]).split()) - {"busybox"}:
        os.symlink("busybox", os.path.join(tree, "bin", applet))
    init = os.path.join(tree, "sbin/init")
    run(["cp", source("arm-disk-init"), init])
    os.chmod(init, 0o755)
    root = os.path.join(folder, "root")
    run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", tree, root,
         "%dM" % ROOT_MIB])
    return root


def boot_disk(kernel: str, guest: str, loader: str, busybox: str) -> str:
    """Path of the disk's image."""
    def build(path: str) -> None:
        sizes = [ESP_MIB * FIRST_LBA, ROOT_MIB * FIRST_LBA]
        places = [FIRST_LBA, FIRST_LBA + sizes[0]]
        sectors = places[1] + sizes[1] + FIRST_LBA
        first, last = partition_table(
            [(ESP_TYPE, places[0], sizes[0]),
             (LINUX_TYPE, places[1], sizes[1])], sectors)
        with tempfile.TemporaryDirectory() as folder, \
                open(path, "wb") as out:
            parts = [_make_esp(folder, kernel, guest, loader),
                     _make_root(folder, busybox)]
            out.write(first)
            for lba, part in zip(places, parts):
                out.seek(lba * SECTOR)
                with open(part, "rb") as data:
                    out.write(data.read())
            out.seek(sectors * SECTOR - len(last))
            out.write(last)
    return cached("arm-disk", ".raw", [
        kernel, guest, loader, busybox, str(LOADER), str((ESP_MIB, ROOT_MIB)),
        file_digest(source("arm-disk-init"))], build)
