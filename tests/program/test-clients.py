#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Recorded dialogues of libvirt and Kata Containers, played to the program.

clients/NAME.txt has, one to a line:

    argv WORD        an argument of the program
    > REQUEST        which must be answered by a return
    >?CLASS REQUEST  which may also fail, with this class
    >fd REQUEST      with a file descriptor passed along
    event NAME       an event that comes, or came
    bools PATH       qom-get of each property of an object whose type is bool
    reconnect        the client goes and comes back

{dir} stands for the test's directory, {fd:NAME} for the number of an inherited
listening socket NAME, {cpu0} for the path of the first CPU. Each answer and
event must fit the program's own introspection: one of the clients decodes them
by schema.
"""
import json
import os
import re
import signal
import socket
import stat
import subprocess

from program import (ARCH, BINARY, EMULATED, TIMEOUT, Program, Skip, check,
                     kvm_works, main, need, need_x86, run, test, wait_for)
from qmpschema import Introspection, error_shape

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")


def read_dialogue(name):
    """Arguments and steps; a step is (what, text)."""
    argv, steps = [], []
    with open(os.path.join(CLIENTS, name + ".txt"), encoding="utf-8") as f:
        for line in f.read().splitlines():
            match = re.match(r"(argv|>(?:fd|\?\w+)?|event|bools|reconnect) ?"
                             r"(.*)", line)
            if match and match[1] == "argv":
                argv.append(match[2])
            elif match:
                steps.append((match[1], match[2]))
            else:
                check(not line or line[0] == "#", name, "has", line)
    return argv, steps


def make_files():
    """What the command lines name; the kernel only halts."""
    header = bytearray(1024)
    header[0x1f1] = 1
    header[0x1fe:0x200] = b"\x55\xaa"
    header[0x202:0x206] = b"HdrS"
    header[0x206:0x208] = b"\x0c\x02"
    header[0x211] = 1
    header[0x22c:0x234] = b"\xff\xff\xff\x7f\x00\x00\x20\x00"
    header[0x234] = 1
    header[0x236] = 1
    header[0x238:0x23c] = (2047).to_bytes(4, "little")
    header[0x258:0x260] = (1 << 20).to_bytes(8, "little")
    header[0x260:0x264] = (1 << 20).to_bytes(4, "little")
    with open("vmlinuz", "wb") as f:
        f.write(bytes(header) + b"\xf4\xeb\xfd".ljust(512, b"\xf4")
                + b"\xf4\xeb\xfd".ljust(4096, b"\xf4"))
    for name, size in (("initrd.gz", 512), ("code.fd", 64 << 20),
                       ("vars.fd", 64 << 20), ("disk0.img", 1 << 20),
                       ("disk1.img", 1 << 20), ("master-key.aes", 32)):
        with open(name, "wb") as f:
            f.truncate(size)


class Session:
    """The program with its listening sockets, and the client's end."""

    def __init__(self, argv):
        self.listeners = {}
        args = [re.sub(r"\{fd:(\w+)\}", self.listener, a)
                .replace("{dir}", os.getcwd()) for a in argv]
        # the client is there before the program is
        self.path = "monitor.sock"
        self.stderr = open("stderr", "w+b")
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        # under -sandbox the sanitizer cannot look for leaks at the end
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.process = subprocess.Popen(
            [BINARY, *args], stdin=subprocess.DEVNULL,
            stdout=self.stderr, stderr=self.stderr,
            env={**os.environ, "ASAN_OPTIONS": options},
            pass_fds=[s.fileno() for s in self.listeners.values()])
        for s in self.listeners.values():
            s.close()
        self.program = self.attach(client)
        self.program.get("qmp_capabilities")
        self.types = Introspection(self.program.get("query-qmp-schema"))
        self.cpu0 = self.program.get("query-cpus-fast")[0]["qom-path"]
        self.reconnect()

    def listener(self, match):
        server = socket.socket(socket.AF_UNIX)
        server.bind(match[1] + ".sock")
        server.listen(1)
        self.listeners[match[1]] = server
        return str(server.fileno())

    def attach(self, client):
        """A Program object for a process that runs already."""
        program = Program.__new__(Program)
        program.events, program.buffer = [], b""
        program.socket, program.stderr = client, self.stderr
        program.process = self.process
        client.settimeout(TIMEOUT)
        program.greeting = program.receive()
        check(program.greeting["QMP"]["version"]["qemu"]["major"] >= 5)
        return program

    def reconnect(self):
        self.program.socket.close()
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        self.program = self.attach(client)

    def request(self, how, text):
        text = text.replace("{dir}", os.getcwd()).replace("{cpu0}", self.cpu0)
        request = json.loads(text)
        fds = []
        if how == ">fd":
            server = socket.socket(socket.AF_UNIX)
            server.bind("passed.sock")
            server.listen(1)
            fds = [server.fileno()]
        answer = self.program.ask(request["execute"],
                                  request.get("arguments"), fds)
        if fds:
            server.close()
        if "error" in answer:
            error_shape(answer)
            check(answer["error"]["class"] == how[2:], text, answer)
        else:
            self.types.result(request["execute"], answer["return"])
        for event in self.program.events:
            self.types.event(event)

    def bools(self, path):
        count = 0
        for prop in self.program.get("qom-list", {"path": path}):
            if prop["type"] == "bool":
                value = self.program.get("qom-get", {
                    "path": path, "property": prop["name"]})
                check(isinstance(value, bool), prop, value)
                count += 1
        check(count > 50, path, "has only", count, "features")

    def play(self, steps):
        for what, text in steps:
            if what == "event":
                self.types.event(self.program.wait_event(text))
            elif what == "bools":
                self.bools(text.replace("{cpu0}", self.cpu0))
            elif what == "reconnect":
                self.reconnect()
            else:
                self.request(what, text)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.program.socket.close()
        self.stderr.close()


def only_warnings():
    """Standard error has warnings at most: clients show the rest as errors."""
    with open("stderr", encoding="utf-8") as f:
        lines = [x for x in f.read().splitlines() if x]
    wrong = [x for x in lines if ": warning: " not in x
             and not x.startswith("char device redirected to /dev/pts/")
             and "terminating on signal" not in x]
    check(not wrong, "\n".join(wrong))


def need_kvm():
    need("CONFIG_SLIRP", "CONFIG_SECCOMP")
    if not kvm_works():
        raise Skip("no /dev/kvm")


@test
def libvirt_probe():
    """As an unprivileged daemon; the socket is there when the parent ends."""
    argv, steps = read_dialogue("libvirt-probe-" + ARCH)
    status, out, err = run(argv)
    check(status == 0 and out == "", status, out, err)
    check(all(": warning: " in x for x in err.splitlines()), err)
    with open("qmp.pid", encoding="utf-8") as f:
        pid = int(f.read())
    try:
        check(stat.S_ISSOCK(os.stat("qmp.monitor").st_mode))
        answers = probe(steps)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists("qmp.pid"), "the PID file to go")
    wait_for(lambda: not os.path.exists("qmp.monitor"), "the socket to go")
    judge_probe(answers)


def probe(steps):
    client = socket.socket(socket.AF_UNIX)
    client.connect("qmp.monitor")
    program = Program.__new__(Program)
    program.events, program.buffer, program.socket = [], b"", client
    client.settimeout(TIMEOUT)
    program.receive()
    answers = {}
    types = None
    for how, text in steps:
        request = json.loads(text)
        answer = program.ask(request["execute"], request.get("arguments"))
        if "error" in answer:
            error_shape(answer)
            check(answer["error"]["class"] == how[2:], text, answer)
            continue
        if request["execute"] == "query-qmp-schema":
            types = Introspection(answer["return"])
        if types:
            types.result(request["execute"], answer["return"])
        key = request.get("arguments", {}).get("typename",
                                               request["execute"])
        answers[key] = answer["return"]
    client.close()
    return answers


# Without them there is no serial port, or no PCI, in a domain.
BOARD_TYPES = {"x86_64": ["isa-serial", "max-x86_64-cpu"],
               "aarch64": ["pl011", "gpex-pcihost", "max-arm-cpu"]}


def names(items, key="name"):
    return {x[key] for x in items}


def judge_probe(answers):
    """What libvirt looks for, and what would upset it."""
    version = answers["query-version"]["qemu"]
    check((version["major"], version["minor"]) >= (4, 2), version)
    check(set(answers["query-kvm"]) == {"enabled", "present"})
    types = names(answers["qom-list-types"])
    for name in ("pcie-root-port", "virtio-blk-pci-non-transitional",
                 "virtio-rng-pci", "rng-random", "iothread",
                 "memory-backend-memfd", "memory-backend-file",
                 *BOARD_TYPES[ARCH]):
        check(name in types, "no type", name)
    check("tcg-accel" not in types)
    if ARCH == "x86_64":
        check({"unavailable-features", "migratable"}
              <= names(answers["max-x86_64-cpu"]))
    else:
        # else it asks each CPU for them
        check("unavailable-features" not in names(answers["max-arm-cpu"]))
        check(names(answers["query-gic-capabilities"], "version") == {2, 3})
    machines = answers["query-machines"]
    check("virt" in names(machines) | {m.get("alias") for m in machines})
    check("none" in names(machines))
    for machine in machines:
        check(not machine["name"].startswith("pc-q35-")
              or machine.get("alias") != "virt", machine)
    check({"host", "max"} <= names(answers["query-cpu-definitions"]))
    check("events" in names(answers["query-migrate-capabilities"],
                            "capability"))
    check("set-action" in names(answers["query-commands"]))


@test
def libvirt_domain():
    if not EMULATED:
        need_kvm()
    make_files()
    argv, steps = read_dialogue("libvirt-start-" + ARCH)
    if EMULATED:
        argv[argv.index("kvm")] = "qtest"
        # user-mode emulation has no filters of system calls
        at = argv.index("-sandbox")
        del argv[at:at + 2]
    session = Session(argv)
    try:
        session.play(steps)
        peripherals = {p["name"]: p["type"] for p in session.program.get(
            "qom-list", {"path": "/machine/peripheral"})}
        check(peripherals["balloon0"] == "child<virtio-balloon-pci>",
              peripherals)
        check(peripherals["virtio-disk0"] == "child<virtio-blk-pci>")
        chardevs = {c["label"]: c for c in
                    session.program.get("query-chardev")}
        for name in {"charserial0", "charconsole0"} & set(chardevs):
            check(chardevs[name]["filename"].startswith("pty:/dev/pts/"),
                  chardevs[name])
        threads = set(os.listdir("/proc/%d/task" % session.process.pid))
        for cpu in session.program.get("query-cpus-fast"):
            # qtest has no threads for them
            check(EMULATED or str(cpu["thread-id"]) in threads, cpu)
        for thread in session.program.get("query-iothreads"):
            check(str(thread["thread-id"]) in threads, thread)
        # destroy: a signal, even with -no-shutdown
        session.process.send_signal(signal.SIGTERM)
        data = session.program.wait_event("SHUTDOWN")["data"]
        check(data == {"guest": False, "reason": "host-signal"}, data)
        status = session.process.wait(TIMEOUT)
        with open("stderr", encoding="utf-8") as f:
            check(status == 0, "exit status", status, f.read())
        only_warnings()
    finally:
        session.end()


@test
def kata_sandbox():
    need_x86()
    need_kvm()
    make_files()
    argv, steps = read_dialogue("kata-start")
    session = Session(argv)
    try:
        check(stat.S_ISSOCK(os.stat("console.sock").st_mode))
        with open("pid", encoding="utf-8") as f:
            check(int(f.read()) == session.process.pid)
        session.play(steps)
        check(session.process.wait(TIMEOUT) == 0)
        check(not os.path.exists("pid") and not os.path.exists("console.sock"))
        only_warnings()
    finally:
        session.end()


if __name__ == "__main__":
    raise SystemExit(main())
