#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD servers that say nothing, and what a monitor can do about it."""
import socket
import struct
import sys
import threading

import nbd_peer
from program import Program, check, main, need, test, wait_for

BASE = ["-nodefaults", "-M", "virt", "-m", "64", "-accel", "qtest"]
MIB = 1 << 20
NODE = {"driver": "nbd", "node-name": "n",
        "server": {"type": "unix", "path": "s"}}
# Its image has to be read, which nobody answers.
FORMAT = {"driver": "qcow2", "node-name": "q", "file": "n"}


class Silent:
    """A server that shakes hands, or not even that."""

    def __init__(self, shakes=True):
        self.shakes = shakes
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("s")
        self.listener.listen(4)
        self.peers = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                peer, _ = self.listener.accept()
                self.peers.append(peer)
                if self.shakes:
                    nbd_peer.shake_hands(peer.makefile("rwb"), MIB)
        except (OSError, struct.error):
            pass

    def lose(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.peers:
            peer.shutdown(socket.SHUT_RDWR)


class Talk(Program):
    """One that takes commands out of band, while another one waits."""

    def __init__(self, *args):
        super().__init__([*BASE, *args], negotiate=False)
        self.early = {}
        self.get("qmp_capabilities", {"enable": ["oob"]})

    def start(self, name, command, arguments=None):
        self.send({"execute": command, "arguments": arguments or {},
                   "id": name})

    def oob(self, command, arguments=None):
        self.send({"exec-oob": command, "arguments": arguments or {},
                   "id": command})
        return self.end(command)

    def end(self, name):
        while name not in self.early:
            message = self.answer()
            self.early[message["id"]] = message
        return self.early.pop(name)

    def yank(self, node):
        answer = self.oob("yank", {"instances": [
            {"type": "block-node", "node-name": node}]})
        check("return" in answer, answer)

    def idle(self):
        """It answers what is not urgent again."""
        self.start("idle", "query-status")
        check("return" in self.end("idle"))


def failed(answer, text):
    check("error" in answer and text in answer["error"]["desc"], answer)


@test
def silent_server():
    need("CONFIG_QCOW2")
    Silent()
    with Talk() as p:
        p.get("blockdev-add", NODE)
        p.start("add", "blockdev-add", FORMAT)
        p.start("stop", "stop")
        listed = p.oob("query-yank")["return"]
        check({"type": "block-node", "node-name": "n"} in listed, listed)
        check("add" not in p.early and "stop" not in p.early, p.early)
        p.yank("n")
        failed(p.end("add"), "Input/output error")
        check("return" in p.end("stop"))
        # It is gone for good.
        p.start("add", "blockdev-add", FORMAT)
        failed(p.end("add"), "Input/output error")
        p.get("blockdev-del", {"node-name": "n"})
        check(all(x["type"] != "block-node" for x in
                  p.oob("query-yank")["return"]))
        p.get("blockdev-add", NODE)


@test
def silent_at_the_handshake():
    Silent(shakes=False)
    with Talk() as p:
        p.start("add", "blockdev-add", dict(NODE, **{"open-timeout": 60}))
        # It is begun when all that came at once was looked at.
        wait_for(lambda: len(p.oob("query-yank")["return"]) == 2, "the node")
        p.yank("n")
        failed(p.end("add"), "cut by yank")
        p.idle()


@test
def quit_while_it_is_silent():
    need("CONFIG_QCOW2")
    Silent()
    with Talk() as p:
        p.get("blockdev-add", NODE)
        p.start("add", "blockdev-add", FORMAT)
        p.start("quit", "quit")
        p.yank("n")
        failed(p.end("add"), "Input/output error")
        check("return" in p.end("quit"))
        check(p.process.wait(timeout=20) == 0)


@test
def lost_server():
    """What waits for it to come back is let go as well."""
    need("CONFIG_QCOW2")
    server = Silent()
    with Talk() as p:
        p.get("blockdev-add", dict(NODE, **{"reconnect-delay": 600}))
        p.start("add", "blockdev-add", FORMAT)
        server.lose()
        check("return" in p.oob("query-yank"))
        check("add" not in p.early)
        p.yank("n")
        failed(p.end("add"), "Input/output error")
        p.idle()


@test
def time_to_reconnect():
    need("CONFIG_QCOW2")
    server = Silent()
    with Talk() as p:
        p.get("blockdev-add", dict(NODE, **{"reconnect-delay": 1}))
        p.start("add", "blockdev-add", FORMAT)
        server.lose()
        failed(p.end("add"), "Input/output error")
        p.idle()


@test
def character_device():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("c")
    listener.listen(1)
    with Talk("-chardev", "socket,id=c0,path=c") as p:
        peer, _ = listener.accept()
        peer.settimeout(20)
        check({"type": "chardev", "id": "c0"} in p.get("query-yank"))
        both = [{"type": "chardev", "id": "c0"}, {"type": "chardev", "id": "x"}]
        answer = p.ask("yank", {"instances": both})
        check(answer["error"]["class"] == "DeviceNotFound" and
              answer["error"]["desc"] == "Instance not found", answer)
        peer.setblocking(False)
        try:
            check(peer.recv(1) and False)
        except BlockingIOError:
            pass
        peer.settimeout(20)
        p.get("yank", {"instances": both[:1]})
        check(peer.recv(1) == b"")


@test
def reopening():
    Silent()
    with Talk() as p:
        p.get("blockdev-add", NODE)
        p.get("blockdev-reopen", {"options": [NODE]})
        p.get("blockdev-reopen", {"options": [dict(NODE, **{
            "read-only": True})]})
        answer = p.ask("blockdev-reopen", {"options": [dict(
            NODE, export="other")]})
        failed(answer, "Cannot change the option 'export'")


if __name__ == "__main__":
    sys.exit(main())
