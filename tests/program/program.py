# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test and a QMP connection to it; tests as of tapcase."""
import array
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# pylint: disable=wrong-import-position, unused-import
import tapcase                                          # noqa: E402
from tapcase import Skip, check, test                   # noqa: E402, F401

BINARY = os.path.abspath(os.environ["NEMU_BINARY"])
# Of another architecture: BINARY runs this under user-mode emulation.
EMULATED = "NEMU_PROGRAM" in os.environ
BUILD = os.path.dirname(os.environ.get("NEMU_PROGRAM", BINARY))
NAME = "qemu-system-nemu"       # what messages start with
TIMEOUT = 60                    # seconds; nothing here takes one


def main():
    if EMULATED and not os.environ.get("NEMU_EMULATOR"):
        print("1..0 # SKIP no user-mode emulation")
        return 0
    return tapcase.main()


def configured():
    """What the build was configured with: names and values."""
    with open(os.path.join(BUILD, "config-host.h"), encoding="utf-8") as f:
        return dict(re.findall(r"^#define (\w+) ?(.*)", f.read(), re.M))


ARCH = configured()["NEMU_TARGET_ARCH"].strip('"')


def need(*symbols):
    """Skip the test in a build without these parts."""
    missing = [s for s in symbols if s not in configured()]
    if missing:
        raise Skip("built without " + ", ".join(missing))


def need_x86():
    if ARCH != "x86_64":
        raise Skip("about x86-64")


def kvm_works():
    return not EMULATED and os.access("/dev/kvm", os.R_OK | os.W_OK)


def new_qcow2(name, size, backing=b""):
    """An empty image: header, refcount table and block, L1 table."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3,
                         112 if backing else 0, len(backing), 16, size, 0, 1,
                         3 * cluster, cluster, 1, 0, 0, 0, 0, 0, 4, 104)
    parts = [header + bytes(8) + backing, struct.pack(">Q", 2 * cluster),
             struct.pack(">4H", 1, 1, 1, 1), bytes(8)]
    with open(name, "wb") as f:
        f.write(b"".join(part.ljust(cluster, b"\0") for part in parts))


def run(args, **kw):
    """Run the program to its end.

    Returns (exit status, standard output, standard error).
    """
    done = subprocess.run([BINARY, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, **kw)
    return (done.returncode, done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"))


class Program:
    """A running program, asked through QMP on an inherited socket.

    With listen=True the program gets a listening socket with the client
    already in its queue, as libvirt and Kata pass it: the test's arguments
    then name it, with %d for the number.
    """

    def __init__(self, args, listen=False, pass_fds=(), negotiate=True):
        self.events = []
        self.buffer = b""
        self.stderr = tempfile.TemporaryFile()
        if listen:
            server = socket.socket(socket.AF_UNIX)
            server.bind("qmp.sock")
            server.listen(1)
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect("qmp.sock")
            args = [a % server.fileno() if "%d" in a else a for a in args]
        else:
            self.socket, server = socket.socketpair()
            args = args + ["-chardev", "socket,id=qmp,fd=%d" % server.fileno(),
                           "-mon", "qmp,mode=control"]
        self.process = subprocess.Popen(
            [BINARY, *args], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.stderr,
            pass_fds=[server.fileno(), *pass_fds])
        server.close()
        self.socket.settimeout(TIMEOUT)
        self.greeting = self.receive()
        if negotiate:
            self.get("qmp_capabilities")

    def error_text(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def receive(self):
        while b"\r\n" not in self.buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the program hung up: "
                                      + self.error_text())
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return json.loads(line)

    def send(self, request, fds=()):
        data = json.dumps(request).encode() + b"\r\n"
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([data], control)
        if sent < len(data):
            self.socket.sendall(data[sent:])

    def answer(self):
        while True:
            message = self.receive()
            if "event" not in message:
                return message
            self.events.append(message)

    def ask(self, command, arguments=None, fds=()):
        """The whole answer to a command."""
        request = {"execute": command}
        if arguments is not None:
            request["arguments"] = arguments
        self.send(request, fds)
        return self.answer()

    def get(self, command, arguments=None, fds=()):
        """What a command returns; it must not fail."""
        answer = self.ask(command, arguments, fds)
        check("return" in answer, command, arguments, answer)
        return answer["return"]

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            message = self.receive()
            check("event" in message, "instead of event", name, message)
            self.events.append(message)

    def wait_exit(self):
        return self.process.wait(TIMEOUT)

    def close(self):
        """End it by signal; it has to go within the time limit."""
        self.socket.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def wait_for(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        check(time.monotonic() < end, "waited in vain for", what)
        time.sleep(0.01)
