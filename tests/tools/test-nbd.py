#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The "nbd" driver against nbdkit and qemu-nbd as servers, well or with
faults, lost and come back."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Dict

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "program"))

# pylint: disable=wrong-import-position
import nbd_peer                                        # noqa: E402
from toolcase import (NEMU, Skip, check, good, have, main,  # noqa: E402
                      run, test)

MIB = 1024 * 1024
URI = "nbd+unix:///?socket=s"


def wait_for(path: str) -> None:
    """Until somebody listens there."""
    for _ in range(500):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(path)
                return
            except OSError:
                time.sleep(0.02)
    raise AssertionError("no server at " + path)


class Server:
    """A server on socket "s", ended with the test."""

    def __init__(self, *args: str) -> None:
        if not shutil.which(args[0]):
            raise Skip(args[0] + " is not installed")
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for("s")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if os.path.exists("s"):
            os.unlink("s")


def nbdkit(*args: str) -> Server:
    return Server("nbdkit", "-f", "-U", "s", *args)


def nemu_io(image: str, *commands: str, options: tuple = ("-f", "raw")):
    """Exit code and all output."""
    args = [x for c in commands for x in ("-c", c)]
    status, out, err = run(NEMU.io, *options, *args, image)
    return status, out + err


def io_good(*commands: str, image: str = URI) -> None:
    status, text = nemu_io(image, *commands)
    check(status == 0 and "failed" not in text and "rror" not in text,
          commands, text)


def node(**options: object) -> str:
    return "json:" + json.dumps(dict(
        {"driver": "nbd", "server": {"type": "unix", "path": "s"}}, **options))


def map_of(image: str) -> list:
    out = good(NEMU.img, "map", "--output=json", image)
    return [(e["start"], e["length"], e["data"], e["zero"])
            for e in json.loads(out)]


WORK = ("write -q -P 5 0 1M", "write -q -P 6 3000k 100k", "read -q -P 5 0 1M",
        "read -q -P 6 3000k 100k", "write -q -z 64k 64k",
        "write -q -z -u 256k 64k", "write -q -f -P 9 4k 4k", "flush",
        "read -q -P 0 64k 64k", "read -q -P 0 256k 64k", "read -q -P 9 4k 4k",
        "discard -q 512k 64k",
        "aio_write -q -P 7 4M 2M", "aio_write -q -P 8 6M 2M",
        "aio_write -q -P 9 8M 2M", "aio_flush", "aio_read -q -P 7 4M 2M",
        "aio_read -q -P 8 6M 2M", "aio_read -q -P 9 8M 2M", "aio_flush", "flush")


@test
def test_memory_requests() -> None:
    with nbdkit("memory", "64M"):
        io_good(*WORK)


@test
def test_memory_status() -> None:
    with nbdkit("memory", "64M"):
        io_good("write -q -P 5 1M 1M")
        check(map_of(URI) == [(0, MIB, False, True), (MIB, MIB, True, False),
                              (2 * MIB, 62 * MIB, False, True)], map_of(URI))


@test
def test_fewer_features() -> None:
    """Each of the protocol's parts that a server may lack."""
    for filters in (["--no-sr"], ["--filter=nozero"], ["--filter=fua",
                    "fuamode=emulate"], ["--filter=noextents"],
                    ["--filter=nozero",
                    "zeromode=notrim"], ["--filter=blocksize-policy",
                    "blocksize-minimum=4096", "blocksize-preferred=64k",
                    "blocksize-maximum=1M", "blocksize-error-policy=error"]):
        words = [f for f in filters if "=" in f and f[0] != "-"]
        flags = [f for f in filters if f not in words]
        with nbdkit(*flags, "memory", "64M", *words):
            io_good(*WORK)


@test
def test_names() -> None:
    with nbdkit("memory", "1M"):
        for name in (URI, "nbd:unix:s", "nbd:unix:s:exportname=x",
                     "nbd+unix:///x%20y?socket=s", node(export="z"),
                     'json:{"driver":"nbd","path":"s"}',
                     'json:{"file.driver":"nbd","file.path":"s"}'):
            io_good("read -q -P 0 0 1M", image=name)
        for name in ("nbd:", "nbd:unix:", "nbd://", "nbd+unix:///x",
                     "nbd://h/x?socket=s", "nbd:host", "nbds://h/x",
                     "nbd+unix://h/?socket=s"):
            status, text = nemu_io(name, "read 0 512")
            check(status == 1 and "can't open" in text, name, text)


@test
def test_read_only_export() -> None:
    with nbdkit("-r", "memory", "1M"):
        status, text = nemu_io(URI, "read 0 512")
        check(status == 1 and "read-only" in text, text)
        status, text = nemu_io(URI, "read -q 0 512",
                               options=("-r", "-f", "raw"))
        check(status == 0, text)


@test
def test_no_server() -> None:
    status, text = nemu_io(URI, "read 0 512")
    check(status == 1 and "No such file" in text, text)


@test
def test_errors_of_requests() -> None:
    """The server's error is the request's; the connection stays."""
    with nbdkit("--filter=error", "memory", "1M", "error-pwrite=ENOSPC",
                "error-pwrite-rate=100%", "error-zero=EPERM",
                "error-zero-rate=100%"):
        status, text = nemu_io(URI, "write 0 4k", "read -P 0 0 4k")
        check("No space left" in text and "read 4096/4096" in text, text)
        status, text = nemu_io(URI, "write -z 0 4k", "read -P 0 0 4k")
        check(status == 1 and "not permitted" in text and
              "read 4096/4096" in text, text)


@test
def test_replies_out_of_order() -> None:
    with nbdkit("--filter=delay", "memory", "8M", "delay-write=300ms"):
        start = time.time()
        io_good(*["aio_write -q -P %d %dM 1M" % (i + 1, i) for i in range(8)],
                "read -q -P 0 0 0", "aio_flush",
                *["read -q -P %d %dM 1M" % (i + 1, i) for i in range(8)])
        check(time.time() - start < 2, "requests wait for one another")


@test
def test_qemu_nbd_serves_qcow2() -> None:
    good(NEMU.img, "create", "-q", "-f", "qcow2", "a.qcow2", "16M")
    with Server("qemu-nbd", "-t", "-k", os.path.abspath("s"), "-f", "qcow2",
                "-x", "e", "--discard=unmap", "a.qcow2"):
        name = "nbd+unix:///e?socket=s"
        io_good(*WORK, image=name)
        good(NEMU.img, "convert", "-f", "raw", "-O", "qcow2", name, "b.qcow2")
        check(any(z for _, _, _, z in map_of(name)), map_of(name))
        status, text = nemu_io("nbd+unix:///f?socket=s", "read 0 512")
        check(status == 1 and "not available" in text, text)
    good(NEMU.img, "compare", "-f", "qcow2", "-F", "qcow2", "a.qcow2",
         "b.qcow2")


@test
def test_dirty_bitmap_context() -> None:
    good(NEMU.img, "create", "-q", "-f", "qcow2", "a.qcow2", "16M")
    good(NEMU.img, "bitmap", "--add", "-f", "qcow2", "a.qcow2", "b0")
    status, out, err = run(NEMU.io, "-f", "qcow2", "-c", "write -q 1M 1M",
                           "a.qcow2")
    check(status == 0, out, err)
    with Server("qemu-nbd", "-r", "-t", "-k", os.path.abspath("s"), "-f",
                "qcow2", "-B", "b0", "a.qcow2"):
        out = map_of(node(**{"x-dirty-bitmap": "qemu:dirty-bitmap:b0",
                             "read-only": True}))
        check([(s, n) for s, n, data, _ in out if not data] == [(MIB, MIB)],
              out)
        status, text = nemu_io(node(**{"x-dirty-bitmap": "qemu:x"}), "read 0 1",
                               options=())
        check(status == 1 and "not found" in text, text)


# ---- The server is lost ----

def start_io(*commands: str, image: str) -> subprocess.Popen:
    args = [x for c in commands for x in ("-c", c)]
    return subprocess.Popen([NEMU.io, *args, image], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@test
def test_server_restarts() -> None:
    """Requests in flight are sent again to the next server."""
    with open("disk", "wb") as f:
        f.truncate(8 * MIB)
    with nbdkit("--filter=delay", "file", "disk", "delay-write=3") as first:
        io = start_io("aio_write -P 7 0 1M", "aio_write -P 8 1M 1M",
                      "aio_flush", "read -P 7 0 1M", "read -P 8 1M 1M",
                      image=node(**{"reconnect-delay": 20}))
        time.sleep(0.7)
        first.kill()
        time.sleep(0.5)
        with nbdkit("file", "disk"):
            out, _ = io.communicate(timeout=30)
    check(io.returncode == 0 and out.count("read 1048576/1048576") == 2 and
          "failed" not in out, out)


@test
def test_server_stays_away() -> None:
    with nbdkit("--filter=delay", "memory", "8M", "delay-write=3") as first:
        start = time.time()
        io = start_io("aio_write -P 7 0 1M", "aio_flush", "read 0 1M",
                      image=node(**{"reconnect-delay": 1}))
        time.sleep(0.5)
        first.kill()
        out, _ = io.communicate(timeout=30)
    check("failed: Input/output error" in out, out)
    check(time.time() - start < 8, "took", time.time() - start)


@test
def test_server_restarts_without_delay() -> None:
    """What is in flight fails; the next request connects again."""
    with nbdkit("--filter=delay", "memory", "8M", "delay-write=3") as first:
        io = start_io("aio_write -P 7 0 1M", "aio_flush", "sleep 1500",
                      "read -P 0 0 1M", image=node())
        time.sleep(0.7)
        first.kill()
        with nbdkit("memory", "8M"):
            out, _ = io.communicate(timeout=30)
    check("failed: Input/output error" in out and
          "read 1048576/1048576" in out, out)


@test
def test_other_size_after_restart() -> None:
    with nbdkit("--filter=delay", "memory", "8M", "delay-write=3") as first:
        io = start_io("aio_write -P 7 0 1M", "aio_flush",
                      image=node(**{"reconnect-delay": 20}))
        time.sleep(0.5)
        first.kill()
        with nbdkit("memory", "4M"):
            out, _ = io.communicate(timeout=30)
    check("failed: Input/output error" in out and "reconnecting" in out, out)


@test
def test_open_waits() -> None:
    if not shutil.which("nbdkit"):
        raise Skip("nbdkit is not installed")
    io = start_io("read -P 0 0 1M", image=node(**{"open-timeout": 20}))
    time.sleep(0.7)
    with nbdkit("memory", "8M"):
        out, _ = io.communicate(timeout=30)
    check(io.returncode == 0 and "read 1048576/1048576" in out, out)


# ---- The server lies ----

class Liar(threading.Thread):
    """A server that shakes hands well and then answers each request by what
    @reply makes of its cookie."""

    def __init__(self, reply, structured: bool = True) -> None:
        super().__init__(daemon=True)
        self.reply = reply
        self.structured = structured
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("s")
        self.listener.listen(1)
        self.start()

    def run(self) -> None:
        peer, _ = self.listener.accept()
        with peer, peer.makefile("rwb") as f:
            try:
                nbd_peer.shake_hands(f, MIB, 0x61, self.answers())
                for _, cookie, _, _ in nbd_peer.requests(f):
                    f.write(self.reply(cookie))
                    f.flush()
            except (OSError, struct.error):
                pass

    def answers(self) -> Dict[int, nbd_peer.Answers]:
        """To the options that a client of structured replies sends."""
        ack = [(nbd_peer.REP_ACK, b"")]
        answers = {nbd_peer.OPT_SET_META_CONTEXT: [
            (nbd_peer.REP_META_CONTEXT, struct.pack(">I", 9) +
             b"base:allocation"), *ack]}
        if self.structured:
            answers[nbd_peer.OPT_STRUCTURED_REPLY] = ack
        return answers


def chunk(cookie: int, kind: int, data: bytes, flags: int = 1) -> bytes:
    return struct.pack(">IHHQI", 0x668e33ef, flags, kind, cookie,
                       len(data)) + data


def data_at(offset: int, length: int) -> bytes:
    return struct.pack(">Q", offset) + bytes(length)


LIES = {
    "magic": lambda c: bytes(20),
    "cookie": lambda c: chunk(c + 1, 1, data_at(0, 4096)),
    "simple": lambda c: struct.pack(">IIQ", 0x67446698, 0, c) + bytes(4096),
    "offset": lambda c: chunk(c, 1, data_at(4096, 4096)),
    "negative": lambda c: chunk(c, 1, data_at((1 << 64) - 512, 4096)),
    "too long": lambda c: chunk(c, 1, data_at(0, 8192)),
    "too short": lambda c: chunk(c, 1, data_at(0, 512)),
    "twice": lambda c: (chunk(c, 1, data_at(0, 4096), 0) +
                        chunk(c, 1, data_at(0, 512))),
    "no data": lambda c: chunk(c, 1, data_at(0, 0)),
    "hole length": lambda c: chunk(c, 2, bytes(11)),
    "hole outside": lambda c: chunk(c, 2, struct.pack(">QI", 0, 1 << 31)),
    "status": lambda c: chunk(c, 5, bytes(12)),
    "none": lambda c: chunk(c, 0, b""),
    "none with data": lambda c: chunk(c, 0, b"x"),
    "none not last": lambda c: chunk(c, 0, b"", 0),
    "unknown": lambda c: chunk(c, 7, b"xx"),
    "huge": lambda c: struct.pack(">IHHQI", 0x668e33ef, 1, 1, c, 0xffffffff),
    "error 0": lambda c: chunk(c, 0x8001, bytes(6)),
    "error text": lambda c: chunk(c, 0x8001, struct.pack(">IH", 5, 60000)),
    "huge error": lambda c: struct.pack(">IHHQI", 0x668e33ef, 1, 0x8001, c,
                                        0x7fffffff),
}


@test
def test_lying_server() -> None:
    for name, reply in LIES.items():
        liar = Liar(reply)
        status, text = nemu_io(URI, "read 0 4k", "read 0 4k")
        check(status == 1 and text.count("read failed: Input/output") == 2 and
              "broke the protocol" in text, name, status, text)
        liar.listener.close()
        os.unlink("s")
    Liar(lambda c: chunk(c, 1, data_at(0, 4096)), structured=False)
    status, text = nemu_io(URI, "read 0 4k")
    check(status == 1 and "not agreed" in text, text)


# ---- TLS ----

def certtool(*args: str, template: str) -> None:
    with open("template", "w", encoding="utf-8") as f:
        f.write(template)
    good("certtool", *args, "--template", "template")


def need_tls() -> None:
    if not have("GNUTLS"):
        raise Skip("built without GnuTLS")


def make_pki(host: str = "localhost") -> None:
    """Directories "server" and "client" of one CA, "other" of another."""
    need_tls()
    if not shutil.which("certtool"):
        raise Skip("certtool is not installed (Debian's package: gnutls-bin)")
    for folder in ("server", "client", "other"):
        os.mkdir(folder)
    for name in ("ca", "other-ca"):
        good("certtool", "--generate-privkey", "--key-type", "ed25519",
             "--outfile", name + "-key.pem")
        certtool("--generate-self-signed", "--load-privkey",
                 name + "-key.pem", "--outfile", name + ".pem",
                 template="cn = %s\nca\ncert_signing_key\n" % name)
    for folder, ca in (("server", "ca"), ("client", "ca"),
                       ("other", "other-ca")):
        shutil.copy(ca + ".pem", folder + "/ca-cert.pem")
        side = "server" if folder == "server" else "client"
        key = "%s/%s-key.pem" % (folder, side)
        good("certtool", "--generate-privkey", "--key-type", "ed25519",
             "--outfile", key)
        certtool("--generate-certificate", "--load-privkey", key,
                 "--load-ca-certificate", ca + ".pem", "--load-ca-privkey",
                 ca + "-key.pem", "--outfile",
                 "%s/%s-cert.pem" % (folder, side),
                 template="cn = x\ndns_name = %s\nsigning_key\ntls_www_%s\n" % (
                     host, side))


def tls_io(creds: str, **options: object):
    name = node(**{"tls-creds": "t", "export": "", **options})
    return nemu_io(name, *WORK, options=("--object", creds + ",id=t"))


X509 = "tls-creds-x509,endpoint=client,dir="


def tls_servers():
    yield lambda: nbdkit("--tls=require", "--tls-certificates=server",
                         "--tls-verify-peer", "memory", "64M")
    with open("disk", "wb") as f:
        f.truncate(64 * MIB)
    yield lambda: Server("qemu-nbd", "-t", "-k", os.path.abspath("s"), "-f",
                         "raw", "--object",
                         "tls-creds-x509,id=t,endpoint=server,dir=server",
                         "--tls-creds=t", "disk")


@test
def test_tls_certificates() -> None:
    make_pki()
    for server in tls_servers():
        with server():
            status, text = tls_io(X509 + "client",
                                  **{"tls-hostname": "localhost"})
            check(status == 0 and "failed" not in text, text)
            status, text = tls_io(X509 + "client",
                                  **{"tls-hostname": "elsewhere"})
            check(status == 1 and "refused" in text, text)
            status, text = tls_io(X509 + "other",
                                  **{"tls-hostname": "localhost"})
            check(status == 1 and "refused" in text, text)
            status, text = tls_io(X509 + "client")
            check(status == 1 and "No hostname" in text, text)
            status, text = nemu_io(node(), "read 0 512", options=())
            check(status == 1 and "TLS" in text, text)
            status, text = tls_io("tls-creds-x509,endpoint=server,dir=server")
            check(status == 1 and "client endpoint" in text, text)
            os.rename("client/client-cert.pem", "client/away")
            status, text = tls_io(X509 + "client",
                                  **{"tls-hostname": "localhost"})
            check(status == 1, text)
            os.rename("client/away", "client/client-cert.pem")


@test
def test_tls_no_downgrade() -> None:
    """Credentials are never forgotten for a server without TLS."""
    make_pki()
    with nbdkit("--tls=off", "memory", "1M"):
        status, text = tls_io(X509 + "client", **{"tls-hostname": "localhost"})
        check(status == 1 and "starttls" in text and "Denied" in text, text)


@test
def test_tls_bad_files() -> None:
    make_pki()
    for folder, what in (("nowhere", "no such file"), ("server", "")):
        status, text = tls_io("tls-creds-x509,endpoint=client,dir=" + folder,
                              **{"tls-hostname": "localhost"})
        check(status == 1 and what in text, text)
    shutil.copy("client/client-cert.pem", "client/ca-cert.pem")
    status, text = tls_io(X509 + "client")
    check(status == 1 and "CA" in text, text)


@test
def test_tls_keys() -> None:
    need_tls()
    os.mkdir("keys")
    with open("keys/keys.psk", "w", encoding="utf-8") as f:
        f.write("other:%s\nqemu:%s\n" % ("ab" * 32, "cd" * 32))
    with nbdkit("--tls=require", "--tls-psk=keys/keys.psk", "memory", "64M"):
        for user in ("", ",username=other"):
            status, text = tls_io("tls-creds-psk,dir=keys" + user)
            check(status == 0 and "failed" not in text, text)
        status, text = tls_io("tls-creds-psk,dir=keys,username=nobody")
        check(status == 1 and "not found" in text, text)
        os.mkdir("wrong")
        with open("wrong/keys.psk", "w", encoding="utf-8") as f:
            f.write("qemu:%s\n" % ("ef" * 32))
        status, text = tls_io("tls-creds-psk,dir=wrong")
        check(status == 1 and "TLS handshake failed" in text, text)


@test
def test_tls_anonymous() -> None:
    need_tls()
    with open("disk", "wb") as f:
        f.truncate(64 * MIB)
    with Server("qemu-nbd", "-t", "-k", os.path.abspath("s"), "-f", "raw",
                "--object", "tls-creds-anon,id=t,endpoint=server",
                "--tls-creds=t", "disk"):
        status, text = tls_io("tls-creds-anon")
        check(status == 0 and "failed" not in text, text)


if __name__ == "__main__":
    sys.exit(main())
