# SPDX-License-Identifier: GPL-2.0-or-later
"""The server's side of NBD, for tests whose server does what no real one does.

Numbers: "The NBD protocol", fixed newstyle negotiation and transmission.
"""
import struct
from typing import BinaryIO, Dict, Iterator, List, Tuple

OPT_GO, OPT_STRUCTURED_REPLY, OPT_SET_META_CONTEXT = 7, 8, 10
REP_ACK, REP_INFO, REP_META_CONTEXT = 1, 3, 4
REP_ERR_UNSUP = 0x80000001
CMD_READ, CMD_DISC = 0, 2

Answers = List[Tuple[int, bytes]]


def shake_hands(f: BinaryIO, size: int, flags: int = 1,
                answers: Dict[int, Answers] = {}) -> None:
    """Negotiate an export of @size bytes.

    flags: of transmission. answers: type and data of the replies to options
    other than NBD_OPT_GO; those that it does not name are unsupported.
    """
    f.write(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
    f.flush()
    f.read(4)
    option = 0
    while option != OPT_GO:
        _, option, length = struct.unpack(">QII", f.read(16))
        f.read(length)
        replies = answers.get(option, [(REP_ERR_UNSUP, b"")])
        if option == OPT_GO:
            replies = [(REP_INFO, struct.pack(">HQH", 0, size, flags)),
                       (REP_ACK, b"")]
        for kind, data in replies:
            f.write(struct.pack(">QIII", 0x3e889045565a9, option, kind,
                                len(data)) + data)
        f.flush()


def requests(f: BinaryIO) -> Iterator[Tuple[int, int, int, int]]:
    """Type, cookie, offset and length of each request (reads and the like,
    which no data follow) until the client leaves."""
    while True:
        _, _, kind, cookie, offset, length = struct.unpack(">IHHQQI",
                                                           f.read(28))
        if kind == CMD_DISC:
            return
        yield kind, cookie, offset, length
