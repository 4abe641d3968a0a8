#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Options do what they say: seen from outside, through QMP, the file system
and the guest's ports (by the qtest protocol)."""
import os
import re
import signal
import socket
import subprocess

from program import (ARCH, BINARY, NAME, TIMEOUT, Program, Skip, check,
                     kvm_works, main, need, need_x86, run, test, wait_for)

BASE = ["-nodefaults", "-S", "-accel", "qtest"]


class Ports:
    """The guest's side of the ports, and of the memory."""

    ARGS = ["-qtest", "unix:qtest.sock,server=on,wait=off"]

    def __init__(self):
        wait_for(lambda: os.path.exists("qtest.sock"), "the qtest socket")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect("qtest.sock")
        self.file = self.socket.makefile("rw")

    def do(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        words = self.file.readline().split()
        check(words[:1] == ["OK"], line, words)
        return int(words[1], 16) if len(words) > 1 else None

    def close(self):
        self.file.close()
        self.socket.close()


def prop(program, path, name):
    return program.get("qom-get", {"path": path, "property": name})


@test
def help_of_everything():
    """It prints to standard output, nothing else happens, status 0."""
    for args in (["-help"], ["-version"], ["-h"], ["--help"],
                 ["-machine", "help"], ["-M", "virt,help"], ["-cpu", "help"],
                 ["-accel", "help"], ["-device", "help"],
                 ["-device", "virtio-net-pci,help"], ["-object", "help"],
                 ["-object", "rng-random,help"], ["-netdev", "help"],
                 ["-chardev", "help"], ["-d", "help"], ["-trace", "help"],
                 ["-smp", "help"], ["-m", "help"], ["-nic", "help"],
                 ["-drive", "help"], ["-boot", "help"], ["-rtc", "help"]):
        status, out, err = run([*args, "-pidfile", "pid", "-daemonize"])
        check(status == 0 and err == "" and len(out) > 20, args, status, out,
              err)
    check(os.listdir(".") == [], os.listdir("."))


@test
def configuration_file():
    """Sections have the names that query-command-line-options tells."""
    with open("vm.cfg", "w", encoding="utf-8") as f:
        f.write('[memory]\n  size = "96"\n[smp-opts]\n  cpus = "2"\n'
                '[boot-opts]\n  strict = "on"\n[name]\n  guest = "g"\n'
                '[chardev "c"]\n  backend = "null"\n')
    with Program([*BASE, "-readconfig", "vm.cfg"]) as p:
        check(p.get("query-memory-size-summary")["base-memory"] == 96 << 20)
        check(len(p.get("query-cpus-fast")) == 2)
        check(p.get("query-name") == {"name": "g"})
        check("c" in [c["label"] for c in p.get("query-chardev")])


@test
def nic():
    need("CONFIG_SLIRP")
    with Program([*BASE, "-nic", "user,mac=52:54:00:00:00:07,hostname=x",
                  "-nic", "user,id=mine,model=virtio",
                  "-nic", "none", "-net", "none", "-nic",
                  "stream,server=on,addr.type=unix,addr.path=n.sock"]) as p:
        filters = p.get("query-rx-filter")
        check(len(filters) == 3, filters)
        check(filters[0]["main-mac"] == "52:54:00:00:00:07", filters)
        cards = p.get("qom-list", {"path": "/machine/peripheral-anon"})
        paths = ["/machine/peripheral-anon/" + c["name"] for c in cards
                 if c["type"] == "child<virtio-net-pci>"]
        check(len(paths) == 3, cards)
        ends = [prop(p, path, "netdev") for path in paths]
        check(ends == ["nic0", "mine", "nic1"], ends)


@test
def fw_cfg():
    with open("content", "wb") as f:
        f.write(b"from a file\0\xff")
    with Program([*BASE, *Ports.ARGS, "-fw_cfg",
                  "name=opt/org.test/text,string=hello",
                  "-fw_cfg", "opt/org.test/file,file=content"]):
        ports = Ports()
        # in ports, or in memory with a big-endian selector
        select, data = (("outw 0x510 0x%x", "inb 0x511")
                        if ARCH == "x86_64" else
                        ("writew 0x9020008 0x%x", "readb 0x9020000"))

        def choose(key):
            ports.do(select % (key if ARCH == "x86_64" else
                               key >> 8 | (key & 0xff) << 8))

        def take(count):
            return bytes(ports.do(data) for _ in range(count))
        choose(0x19)
        items = {}
        for _ in range(int.from_bytes(take(4), "big")):
            entry = take(64)
            items[entry[8:].split(b"\0")[0].decode()] = (
                int.from_bytes(entry[:4], "big"),
                int.from_bytes(entry[4:6], "big"))
        for name, want in (("opt/org.test/text", b"hello"),
                           ("opt/org.test/file", b"from a file\0\xff")):
            size, key = items[name]
            choose(key)
            check(take(size) == want, name, size)
        ports.close()


@test
def debugcon():
    need_x86()
    with Program([*BASE, *Ports.ARGS, "-debugcon", "file:out"]):
        ports = Ports()
        for byte in b"Hi":
            ports.do("outb 0xe9 0x%x" % byte)
        ports.close()
        wait_for(lambda: open("out", "rb").read() == b"Hi", "the output")


@test
def set_and_global():
    with open("extra.cfg", "w", encoding="utf-8") as f:
        f.write('[device "b"]\n  driver = "virtio-rng-pci"\n'
                '  max-bytes = "5"\n')
    with Program([*BASE, "-device", "virtio-rng-pci,id=a",
                  "-readconfig", "extra.cfg",
                  "-device", "virtio-rng-pci,id=c",
                  "-set", "device.a.max-bytes=3", "-set",
                  "device.b.period=9",
                  "-global", "virtio-rng-pci.max-bytes=7", "-global",
                  "driver=virtio-rng-pci,property=period,value=8"]) as p:
        values = [(prop(p, "/machine/peripheral/" + i, "max-bytes"),
                   prop(p, "/machine/peripheral/" + i, "period"))
                  for i in "abc"]
        check(values == [(3, 8), (5, 9), (7, 8)], values)


@test
def machine_and_accelerator():
    with Program(["-nodefaults", "-S", "-machine", "type=virt,accel=tcg:qtest",
                  "-machine", "mem-merge=off"]) as p:
        check(prop(p, "/machine", "mem-merge") is False)
    with Program([*BASE, "-m", "size=64M,slots=2,maxmem=1G", "-smp",
                  "cpus=2,sockets=1,dies=1,cores=2,threads=1,maxcpus=2"]) as p:
        memory = prop(p, "/machine", "memory")
        check(memory == {"size": 64 << 20, "slots": 2, "max-size": 1 << 30},
              memory)
        check(prop(p, "/machine", "smp")["cores"] == 2)
        check(len(p.get("query-cpus-fast")) == 2)
    for size in ("64", "64M", "65536k", "0.0625G"):
        with Program([*BASE, "-m", size]) as p:
            check(p.get("query-memory-size-summary")["base-memory"]
                  == 64 << 20, size)


@test
def accepted_for_old_command_lines():
    with Program([*BASE, "-no-acpi", "-no-hpet", "-no-user-config", "-vga",
                  "none", "-vnc", "none", "-display", "none", "-parallel",
                  "none", "-serial", "none", "-monitor", "none", "-net",
                  "none", "-audio", "none", "-audiodev", "none,id=a", "-rtc",
                  "base=utc,driftfix=slew,clock=host", "-msg", "timestamp=on",
                  "-boot", "strict=on", "-overcommit", "mem-lock=off",
                  "--no-reboot"]) as p:
        check(p.get("query-status")["status"] == "prelaunch")


@test
def object_json():
    with Program([*BASE, "-object", '{"qom-type":"rng-random","id":"r",'
                  '"filename":"/dev/urandom"}', "-object",
                  "secret,id=s,data=abc", "-device",
                  '{"driver":"virtio-rng-pci","rng":"r","id":"d"}']) as p:
        check(prop(p, "/machine/peripheral/d", "rng") == "/objects/r")
        check(prop(p, "/objects/r", "filename") == "/dev/urandom")


@test
def pidfile_and_sockets_go():
    with Program([*BASE, "-pidfile", "pid", "-chardev",
                  "socket,id=c,path=c.sock,server=on,wait=off", "-monitor",
                  "unix:m.sock,server=on,wait=off", "-qmp",
                  "unix:path=p.sock,server=on,wait=off"]) as p:
        with open("pid", encoding="utf-8") as f:
            check(int(f.read()) == p.process.pid)
        check({"c.sock", "m.sock", "p.sock"} <= set(os.listdir(".")))
        p.get("quit")
        check(p.wait_exit() == 0)
    check(os.listdir(".") == [], os.listdir("."))


@test
def pidfile_goes_with_a_signal_at_any_time():
    """Also while the program starts and waits for a client."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)    # nohup has it ignored
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with subprocess.Popen(
                [BINARY, *BASE, "-pidfile", "pid", "-qmp",
                 "unix:q%d,server=on,wait=on" % number],
                stdin=subprocess.DEVNULL) as p:
            wait_for(lambda: os.path.exists("pid"), "the PID file")
            wait_for(lambda n=number: os.path.exists("q%d" % n), "the socket")
            p.send_signal(number)
            check(p.wait(TIMEOUT) == -number, p.returncode)
        check(not os.path.exists("pid"), number)


@test
def pidfile_that_is_a_device():
    """It is written to, not removed."""
    os.mkfifo("pipe")
    end = os.open("pipe", os.O_RDWR | os.O_NONBLOCK)
    with Program([*BASE, "-pidfile", "pipe"]) as p:
        check(int(os.read(end, 100)) == p.process.pid)
    check(os.path.exists("pipe"))
    os.close(end)


@test
def daemonize():
    done = subprocess.run(
        [BINARY, "-nodefaults", "-M", "none", "-daemonize", "-pidfile", "pid",
         "-qmp", "unix:q.sock,server=on,wait=off"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
        check=True)
    check(done.stdout == b"", done.stdout)
    with open("pid", encoding="utf-8") as f:
        pid = int(f.read())
    check(os.path.exists("q.sock"))
    check(os.readlink("/proc/%d/cwd" % pid) == "/")
    for number in range(3):
        check(os.readlink("/proc/%d/fd/%d" % (pid, number)) == "/dev/null")
    os.kill(pid, 15)
    wait_for(lambda: os.listdir(".") == [], "the files to go")


def status_of(pid, name):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return re.search(r"^%s:\s+(.*)$" % name, f.read(), re.M)[1].split()


@test
def rights_are_dropped():
    if os.getuid():
        raise Skip("needs root")
    os.chmod(".", 0o755)
    os.mkdir("empty")
    for args in (["-chroot", "empty"], ["-run-with", "chroot=empty"]):
        with Program([*BASE, *args, "-runas", "65534:65533"]) as p:
            p.get("query-status")
            pid = p.process.pid
            check(os.readlink("/proc/%d/root" % pid)
                  == os.path.realpath("empty"))
            check(status_of(pid, "Uid") == ["65534"] * 4)
            check(status_of(pid, "Gid") == ["65533"] * 4)
            check(status_of(pid, "Groups") == ["65533"])
            check(int(status_of(pid, "CapEff")[0], 16) == 0)
    with Program([*BASE, "-runas", "nobody"]) as p:
        p.get("query-status")
        check(status_of(p.process.pid, "Uid")[0] != "0")


@test
def log_and_names():
    need("CONFIG_SLIRP")
    with Program([*BASE, "-name", "guest=g,process=renamed,debug-threads=on",
                  "-D", "log", "-msg", "timestamp=on,guest-name=on",
                  "-device", "virtio-rng-pci,id=r", "-netdev",
                  "user,id=alone"]) as p:
        check(p.get("query-name") == {"name": "g"})
        with open("/proc/%d/comm" % p.process.pid, encoding="utf-8") as f:
            check(f.read() == "renamed\n")
        check("g %s: warning: netdev alone" % NAME in p.error_text())


@test
def guest_with_nothing_to_run():
    if not kvm_works():
        raise Skip("needs KVM")
    for args, said in (([], True), (["-S"], False), (["-M", "none"], False)):
        with Program(["-nodefaults", *args]) as p:
            p.get("query-status")
            check(("nothing to run" in p.error_text()) == said, args,
                  p.error_text())


@test
def errors_are_seen_with_a_log_file():
    """The log has what was asked to be logged."""
    args = ["-D", "log", "-d", "unimp,trace:runstate_*", *BASE[-2:]]
    status, _, err = run([*args, "-device", "virtio-rng-pic"])
    check(status == 1 and "'virtio-rng-pic'" in err, status, err)
    with Program([*BASE, *args]) as p:
        p.get("cont")
        check(p.error_text() == "", p.error_text())
    with open("log", encoding="utf-8") as f:
        text = f.read()
    check("virtio-rng-pic" not in text and "runstate_" in text, text)
    subprocess.run([BINARY, *BASE, "-daemonize", "-D", "log2", "-pidfile",
                    "pid"], stdin=subprocess.DEVNULL, check=True,
                   stdout=subprocess.DEVNULL, timeout=TIMEOUT)
    with open("pid", encoding="utf-8") as f:
        pid = int(f.read())
    check(os.readlink("/proc/%d/fd/2" % pid) == os.path.abspath("log2"))
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists("pid"), "the PID file to go")


if __name__ == "__main__":
    raise SystemExit(main())
