#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Unpack the ELF kernel of an x86 bzImage.

    extract_vmlinux.py BZIMAGE OUT

The setup header names the compressed payload (Linux
Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length,
protocol 2.08 and later). Starting the ELF file by PVH spares the guest the
unpacking, which takes seconds in an emulated machine.
"""
import gzip
import lzma
import struct
import subprocess
import sys
from typing import Tuple

SETUP_SECTS = 0x1f1
HEADER_MAGIC = 0x202
PAYLOAD_OFFSET = 0x248


def lz4_length(data: bytes, at: int, nibble: int) -> Tuple[int, int]:
    """A length whose first four bits are in the token; (length, next)."""
    length = nibble
    if nibble == 15:
        while True:
            length += data[at]
            at += 1
            if data[at - 1] != 255:
                break
    return length, at


def lz4_block(data: bytes, out: bytearray) -> None:
    """Decode one LZ4 block (lz4_Block_format.md) to the end of out."""
    at = 0
    while at < len(data):
        token = data[at]
        literals, at = lz4_length(data, at + 1, token >> 4)
        out += data[at:at + literals]
        at += literals
        if at >= len(data):
            break                       # the last sequence has no match
        offset = data[at] | data[at + 1] << 8
        length, at = lz4_length(data, at + 2, token & 15)
        length += 4
        start = len(out) - offset
        if offset == 0 or start < 0:
            raise ValueError("broken LZ4 block: offset %d" % offset)
        if offset >= length:
            out += out[start:start + length]
        else:
            pattern = bytes(out[start:])
            out += (pattern * (length // offset + 1))[:length]


def lz4_legacy(data: bytes) -> bytes:
    """LZ4's legacy frame: magic, then blocks headed by their size."""
    out = bytearray()
    at = 4
    while at + 4 <= len(data):
        size, = struct.unpack_from("<I", data, at)
        at += 4
        if size == 0 or at + size > len(data):
            break                       # the appended size of the result
        lz4_block(data[at:at + size], out)
        at += size
    return bytes(out)


def unpack(payload: bytes) -> bytes:
    if payload.startswith(b"\x02\x21\x4c\x18"):
        return lz4_legacy(payload)
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return gzip.decompress(payload[:-4])
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dc"], input=payload,
                              stdout=subprocess.PIPE, check=False).stdout
    raise ValueError("unknown compression, magic " + payload[:6].hex())


def extract(image: bytes) -> bytes:
    """The ELF file inside a bzImage. Errors: ValueError."""
    if image[HEADER_MAGIC:HEADER_MAGIC + 4] != b"HdrS":
        raise ValueError("not a bzImage: no HdrS at 0x202")
    sectors = image[SETUP_SECTS] or 4
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = (sectors + 1) * 512 + offset
    kernel = unpack(image[start:start + length])
    if kernel[:4] != b"\x7fELF":
        raise ValueError("payload is no ELF file")
    return kernel


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(sys.argv[1], "rb") as source:
        kernel = extract(source.read())
    with open(sys.argv[2], "wb") as out:
        out.write(kernel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
