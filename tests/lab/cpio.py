# SPDX-License-Identifier: GPL-2.0-or-later
"""Writer of initramfs archives (cpio "newc": Linux
Documentation/driver-api/early-userspace/buffer-format.rst).

Written here and not by the cpio program, so that device nodes and root as
the owner need no privilege.
"""
import os
import stat
from typing import List


class Archive:
    """An archive in memory; folders above an entry are added on the way."""

    def __init__(self) -> None:
        self._chunks: List[bytes] = []
        self._folders = set([""])
        self._count = 0

    def _entry(self, name: str, mode: int, data: bytes = b"",
               device: int = 0) -> None:
        raw_name = name.encode() + b"\0"
        self._count += 1
        fields = [self._count, mode, 0, 0, 1, 0, len(data), 0, 0,
                  os.major(device), os.minor(device), len(raw_name), 0]
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw_name
        head += b"\0" * (-len(head) % 4)
        self._chunks.append(head + data + b"\0" * (-len(data) % 4))

    def folder(self, name: str) -> None:
        name = name.strip("/")
        if name in self._folders:
            return
        self.folder(os.path.dirname(name))
        self._folders.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        self.folder(os.path.dirname(name))
        self._entry(name.strip("/"), stat.S_IFREG | mode, data)

    def copy(self, name: str, path: str, mode: int = 0o644) -> None:
        with open(path, "rb") as source:
            self.file(name, source.read(), mode)

    def link(self, name: str, target: str) -> None:
        self.folder(os.path.dirname(name))
        self._entry(name.strip("/"), stat.S_IFLNK | 0o777, target.encode())

    def char_device(self, name: str, major: int, minor: int) -> None:
        self.folder(os.path.dirname(name))
        self._entry(name.strip("/"), stat.S_IFCHR | 0o600,
                    device=os.makedev(major, minor))

    def bytes(self) -> bytes:
        trailer = Archive()
        trailer._entry("TRAILER!!!", 0)
        data = b"".join(self._chunks + trailer._chunks)
        return data + b"\0" * (-len(data) % 512)
