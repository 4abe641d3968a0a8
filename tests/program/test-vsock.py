#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets of AF_VSOCK as QMP and the command line name them. Where this
machine can reach itself (the kernel module vsock_loopback; the lab's can),
with a peer."""
import os
import socket
import struct
import subprocess
import threading

import nbd_peer
from program import (BUILD, Program, Skip, check, main, need, run, test,
                     wait_for)

BASE = ["-nodefaults", "-M", "virt", "-m", "64", "-accel", "qtest"]
SELF = 1
ANY = 0xffffffff
ADDRESS = {"type": "vsock", "cid": str(SELF), "port": str(ANY)}


def need_loopback():
    try:
        server, client = listener(), new_socket()
        client.connect(server.getsockname())
    except OSError as err:
        raise Skip("no way by vsock from this machine to itself "
                   "(module vsock_loopback): %s" % err) from err


def new_socket():
    sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    sock.settimeout(20)
    return sock


def listener():
    sock = new_socket()
    sock.bind((SELF, ANY))
    sock.listen()
    return sock


def refused(p, text, command, arguments):
    answer = p.ask(command, arguments)
    check("error" in answer and text in answer["error"]["desc"], answer)


def chardev(address, **more):
    return {"id": "c0", "backend": {"type": "socket", "data": {
        "addr": {"type": address["type"], "data": {
            k: v for k, v in address.items() if k != "type"}}, **more}}}


@test
def bad_numbers():
    with Program(BASE) as p:
        for key, val, text in (
                ("cid", "host", "vsock cid 'host' is not a number up to "
                 "4294967295"),
                ("port", "4294967296", "vsock port '4294967296' is not a "),
                ("port", "", "vsock port '' is not a ")):
            address = dict(ADDRESS, **{key: val})
            refused(p, text, "chardev-add", chardev(address, wait=False))
            refused(p, text, "netdev_add", {
                "type": "stream", "id": "n0", "server": True, "addr": address})
            refused(p, text, "blockdev-add", {
                "driver": "nbd", "node-name": "b0", "server": address})


@test
def dgram_has_none():
    status, _, err = run([*BASE, "-netdev", "dgram,id=n0,local.type=vsock,"
                          "local.cid=1,local.port=2,remote.type=vsock,"
                          "remote.cid=1,remote.port=3"])
    check(status == 1 and "vsock addresses are for streams" in err, err)


@test
def chardev_server():
    need_loopback()
    with Program(BASE) as p:
        p.get("chardev-add", chardev(ADDRESS, server=True, wait=False))
        name = next(c["filename"] for c in p.get("query-chardev")
                    if c["label"] == "c0")
        check(name.startswith("disconnected:vsock:1:"), name)
        port = int(name.split(":")[3].split(",")[0])
        check(port != ANY, name)
        peer = new_socket()
        peer.connect((SELF, port))
        expected = "vsock:1:%d,server=on <-> 1:%d" % (
            port, peer.getsockname()[1])
        wait_for(lambda: expected in str(p.get("query-chardev")), expected)


@test
def chardev_client():
    """A monitor at the other end."""
    need_loopback()
    server = listener()
    port = server.getsockname()[1]
    with Program(BASE) as p:
        p.get("chardev-add", chardev(dict(ADDRESS, port=str(port)),
                                     server=False))
        peer, (cid, _) = server.accept()
        check(cid == SELF, cid)
        peer.close()


@test
def netdev_stream():
    need_loopback()
    server = listener()
    port = server.getsockname()[1]
    with Program([*BASE, "-netdev", "stream,id=n0,server=off,addr.type=vsock,"
                  "addr.cid=1,addr.port=%d" % port]) as p:
        peer, _ = server.accept()
        p.get("netdev_add", {"type": "stream", "id": "n1", "server": False,
                             "addr": dict(ADDRESS, port=str(port))})
        event = p.wait_event("NETDEV_STREAM_CONNECTED")
        check(event["data"]["addr"] == dict(ADDRESS, port=str(port)), event)
        peer.close()


class Disk(threading.Thread):
    """An NBD server of the fixed newstyle for one client."""

    def __init__(self, server, data):
        super().__init__(daemon=True)
        self.server = server
        self.data = data
        self.start()

    def run(self):
        peer, _ = self.server.accept()
        with peer, peer.makefile("rwb") as f:
            nbd_peer.shake_hands(f, len(self.data))
            for kind, cookie, offset, length in nbd_peer.requests(f):
                check(kind == nbd_peer.CMD_READ, kind)
                f.write(struct.pack(">IIQ", 0x67446698, 0, cookie) +
                        self.data[offset:offset + length])
                f.flush()


@test
def nbd():
    need_loopback()
    tool = os.path.join(BUILD, "nemu-io")
    if not os.path.exists(tool):
        need("the tools")
    server = listener()
    Disk(server, b"\7" * 65536)
    done = subprocess.run(
        [tool, "-r", "--image-opts", "-c", "read -P 7 1k 60k",
         "driver=raw,file.driver=nbd,file.server.type=vsock,"
         "file.server.cid=1,file.server.port=%d" % server.getsockname()[1]],
        check=False, timeout=30, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(done.returncode == 0 and "ailed" not in done.stdout, done.stdout)


if __name__ == "__main__":
    raise SystemExit(main())
