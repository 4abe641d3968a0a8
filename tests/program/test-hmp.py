#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The human monitor prints what people and scripts know from QEMU."""
import os
import re
import socket
import subprocess

from program import (ARCH, BINARY, TIMEOUT, Program, Skip, check, kvm_works,
                     main, need, need_x86, test, wait_for)

UUID = "11111111-2222-3333-4444-555555555555"


def machine(accel="qtest"):
    with open("disk", "wb") as f:
        f.truncate(1 << 20)
    return ["-nodefaults", "-M", "virt", "-S", "-accel", accel, "-m", "64",
            "-smp", "2", "-name", "guest=shape", "-uuid", UUID,
            "-object", "iothread,id=io0",
            "-drive", "file=disk,format=raw,if=none,id=d0,readonly=on",
            "-device", "pcie-root-port,id=rp0,chassis=1",
            "-device", "virtio-blk-pci,drive=d0,id=disk",
            "-netdev", "stream,id=n0,server=on,addr.type=unix,addr.path=n",
            "-device",
            "virtio-net-pci,netdev=n0,id=nic,mac=52:54:00:12:34:56",
            "-chardev", "null,id=out", "-serial", "chardev:out"]


# What differs between the machines.
PARTS = {
    "x86_64": {
        "bridge": r"8086:\w{4}",
        "first_bus": r"bus: isa\.0\n  type ISA\n  dev: isa-serial, id "
        r"\"\"\n    chardev = \"out\"\n(.*\n)*",
        "ram": r"0{8}-0000000003ffffff",
        "io": r"address-space: I/O\n(.*\n)* +\w+-\w+ \(prio \d, i/o\): "
        r"serial\n(.*\n)*",
    },
    "aarch64": {
        "bridge": "1b36:0008", "first_bus": "",
        "ram": r"40000000-0000000043ffffff", "io": "",
    },
}[ARCH]
# Each answer as a whole, as a pattern, with the parts above put in.
ANSWERS = {
    "info status": r"VM status: paused \(prelaunch\)\n",
    "info version": r"8\.2\.0nemu-\S+\n",
    "info name": r"shape\n",
    "info uuid": UUID + r"\n",
    "info kvm": r"kvm support: disabled\n",
    "info cpus": r"\* CPU #0: thread_id=\d+\n  CPU #1: thread_id=\d+\n",
    "info block": r"d0 \(#block\d+\): disk \(raw, read-only\)\n"
    r"    Attached to:      /machine/peripheral/disk/virtio-backend\n"
    r"    Cache mode:       writeback\n",
    "info blockstats": r"d0: rd_bytes=0 wr_bytes=0 rd_operations=0 "
    r"wr_operations=0 flush_operations=0 wr_total_time_ns=0 "
    r"rd_total_time_ns=0 flush_total_time_ns=0 rd_merged=0 wr_merged=0 "
    r"idle_time_ns=\d+\n",
    "info network": r"nic: index=0,type=nic,model=virtio-net-pci,"
    r"macaddr=52:54:00:12:34:56\n \\ n0: index=0,type=stream,\S*\n",
    "info chardev": r"(\w+: filename=\S*\n)*out: filename=null\n"
    r"(\w+: filename=\S*\n)*",
    "info iothreads": r"io0:\n  thread_id=\d+\n  poll-max-ns=\d+\n"
    r"  poll-grow=0\n  poll-shrink=0\n  aio-max-batch=0\n",
    "info memory_size_summary": r"base memory: 67108864\n"
    r"(plugged memory: 0\n)?",
    "info migrate_capabilities": r"(.*\n)*events: off\n(.*\n)*",
    "info balloon": r"Error: .*\n",
    "info pci": r"  Bus  0, device   0, function 0:\n"
    r"    Host bridge: PCI device %(bridge)s\n(.*\n)*"
    r"    PCI bridge: PCI device 1b36:000c\n(.*\n)*"
    r"      BUS 0\.\n      secondary bus 0\.\n      subordinate bus 0\.\n"
    r"      IO range \[0xf000, 0x0fff\]\n(.*\n)*      id \"rp0\"\n(.*\n)*"
    r"    Ethernet controller: PCI device 1af4:1041\n(.*\n)*"
    r"      id \"nic\"\n(.*\n)*",
    "info qtree": r"(.*\n)*%(first_bus)sbus: pcie\.0\n  type PCIE\n"
    r"(.*\n)* +dev: virtio-net-pci, id \"nic\"\n(.*\n)*"
    r" +dev: virtio-net-device, id \"\"\n(.*\n)*",
    "info qom-tree": r"/machine \(virt-\S+-machine\)\n(.*\n)*"
    r"  /peripheral \(container\)\n(.*\n)*    /nic \(virtio-net-pci\)\n"
    r"(.*\n)*",
    "info qom-tree /machine/peripheral/nic":
    r"/machine/peripheral/nic \(virtio-net-pci\)\n(.*\n)*",
    "info qom-tree /nowhere": r"Path '/nowhere' could not be resolved.\n",
    "info mtree": r"address-space: memory\n  0{16}-f{16} \(prio 0, i/o\): "
    r"system\n(.*\n)* +0{8}%(ram)s \(prio 0, ram\): .*\n(.*\n)*%(io)s",
    "info qom-types": r"(\S+: .*\n)+",
    "info": r"(info [\w-]+ +-- .*\n)+",
    "info nonsense": r"unknown command: 'info nonsense'\n",
    "nonsense": r"unknown command: 'nonsense'\n",
    "help stop": r"stop\|s +-- .*\n",
    "help nonsense": r"unknown command: 'nonsense'\n",
    "help": r"(.* -- .*\n)+",
    "device_del nope": r"Error: Device 'nope' not found\n",
    "device_del": r"device_del: expects id\n",
    "device_add": r"device_add: expects .*\n",
    "qom-get /machine type": r"\"virt-\S+-machine\"\n",
    "netdev_add stream,id=n1,server=on,addr.type=unix,addr.path=n1": r"",
    "netdev_del n1": r"",
    "object_add rng-builtin,id=r1": r"",
    "object_add rng-builtin": r"Error: .*'id'.*\n",
    "object_del r1": r"",
    "object_add iothread,id=t1,poll-max-ns=5": r"",
    "object_add iothread,id=t2,poll-max-ns=x": r"Error: .*poll-max-ns.*\n",
    "object_del t1": r"",
    "chardev-add ringbuf,id=c1,size=64": r"",
    "chardev-remove c1": r"",
    "set_link nic off": r"",
    "": r"",
    "   ": r"",
}


@test
def answers():
    wrong = []
    with Program(machine()) as program:
        for line, pattern in ANSWERS.items():
            text = program.get("human-monitor-command",
                               {"command-line": line})
            for name, part in PARTS.items():
                pattern = pattern.replace("%%(%s)s" % name, part)
            if not re.fullmatch(pattern, text):
                wrong.append("%r gives\n%s" % (line, text))
    check(not wrong, "\n".join(wrong))


@test
def registers():
    need_x86()
    if not kvm_works():
        raise Skip("no /dev/kvm")
    with Program(machine("kvm")) as program:
        one = program.get("human-monitor-command",
                          {"command-line": "info registers"})
        both = program.get("human-monitor-command",
                           {"command-line": "info registers -a"})
        kvm = program.get("human-monitor-command",
                          {"command-line": "info kvm"})
    check(kvm == "kvm support: enabled\n", kvm)
    check(one.startswith("\nCPU#0\nRAX=0000000000000000 RBX="), one)
    # where an x86 processor starts: SDM volume 3, 10.1.4
    check("\nRIP=000000000000fff0 RFL=00000002 [-------] CPL=0 " in one, one)
    check("\nCS =f000 00000000ffff0000 0000ffff " in one, one)
    check("\nCR0=60000010 " in one, one)
    check(both.count("\nCPU#") == 2 and "\nCPU#1\n" in both, both)


def read_until(client, end):
    text = b""
    while not text.endswith(end):
        data = client.recv(4096)
        check(data, "the monitor hung up after", text)
        text += data
    return text.decode()


@test
def on_a_terminal():
    """Prompt, echo, editing, one-letter names, and the end."""
    with Program([*machine(), "-monitor",
                  "unix:hmp,server=on,wait=off"]) as program:
        wait_for(lambda: os.path.exists("hmp"), "the socket")
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(TIMEOUT)
        client.connect("hmp")
        check("monitor - type 'help' for more information"
              in read_until(client, b"(qemu) "))
        client.sendall(b"info nax\x7fme\r")
        check("shape\r\n" in read_until(client, b"(qemu) "))
        client.sendall(b"c\n")
        read_until(client, b"(qemu) ")
        check(program.get("query-status")["running"])
        client.sendall(b"s\ninfo status\n")
        read_until(client, b"VM status: paused\r\n(qemu) ")
        client.sendall(b"q\n")
        check(program.wait_exit() == 0)
        client.close()


def connects(port):
    with socket.socket() as client:
        client.settimeout(TIMEOUT)
        return client.connect_ex(("127.0.0.1", port)) == 0


@test
def ports_of_user_networks():
    need("CONFIG_SLIRP")
    head = r"  Protocol\[State\] +FD +Source Address +Port +Dest. Address +" \
           r"Port RecvQ SendQ\n"
    with Program(["-nodefaults", "-M", "none", "-netdev", "user,id=u1",
                  "-netdev", "user,id=u2,net=10.0.3.0/24", "-netdev",
                  "stream,id=s,server=on,addr.type=unix,addr.path=s"]) as p:

        def say(line, pattern):
            text = p.get("human-monitor-command", {"command-line": line})
            found = re.fullmatch(pattern, text)
            check(found, line, "gives", text)
            return found

        say("info usernet", r"Hub -1 \(u1\):\n%sHub -1 \(u2\):\n%s" % (head,
                                                                   head))
        say("hostfwd_add tcp:127.0.0.1:0-:22", "")
        port = say("info usernet", r"Hub -1 \(u1\):\n%s  TCP\[HOST_FORWARD\]"
                   r" +\d+ +127.0.0.1 +(\d+) +10.0.2.15 +22 +0 +0\n"
                   r"Hub -1 \(u2\):\n%s" % (head, head))[1]
        check(connects(int(port)))
        rule = "tcp:127.0.0.1:" + port
        say("hostfwd_add u2 %s-:22" % rule, "Could not set up host forwarding "
            "rule '%s-:22': .*\n" % rule)
        say("hostfwd_remove u2 " + rule, "host forwarding rule for %s not "
            "found\n" % rule)
        say("hostfwd_remove " + rule, "host forwarding rule for %s removed\n"
            % rule)
        check(not connects(int(port)))
        say("hostfwd_add u2 :127.0.0.1:%s-10.0.3.77:22" % port, "")
        say("info usernet", r"(.*\n)*.* %s +10.0.3.77 +22 +0 +0\n" % port)
        say("hostfwd_remove u2 " + rule[3:], ".* removed\n")
        say("hostfwd_add u2 udp:127.0.0.1:%s-:22" % port, "")
        say("info usernet", r"(.*\n)*  UDP\[HOST_FORWARD\] .* %s .*\n" % port)
        say("hostfwd_remove u2 " + rule, ".* not found\n")
        say("hostfwd_remove u2 udp" + rule[3:], ".* removed\n")
        for line, answer in (
                ("add", "hostfwd_add: expects .*"),
                ("add x tcp::1-:1", "unrecognized netdev id 'x'"),
                ("add s tcp::1-:1", "invalid device specified"),
                ("add x", r"Invalid .* 'x' \(no ':' separators\)"),
                ("add x::1-:1", r"Invalid .*bad protocol name\)"),
                ("add tcp:x:1-:1", r"Invalid .*bad host address\)"),
                ("add tcp::x-:1", r"Invalid .*bad host port\)"),
                ("add tcp::1", r"Invalid .*bad host port\)"),
                ("add tcp::1-x:1", r"Invalid .*bad guest address\)"),
                ("add tcp::1-:0", r"Invalid .*bad guest port\)"),
                ("remove", "hostfwd_remove: expects .*"),
                ("remove s tcp::1", "invalid device specified"),
                ("remove tcp::1-:1", r"Invalid .*bad host port\)"),
                ("remove tcp::", r"Invalid .*bad host port\)"),
                ("remove tcp:1", r"Invalid .*bad host address\)")):
            say("hostfwd_" + line, answer + r"\n")
        p.get("netdev_del", {"id": "u1"})
        p.get("netdev_del", {"id": "u2"})
        say("info usernet", "")
        say("hostfwd_add tcp::1-:1", "user mode network stack not in use\n")


def on_standard_streams(keys, *args):
    done = subprocess.run([BINARY, "-S", "-accel", "qtest", "-nographic",
                           *args], input=keys, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=TIMEOUT,
                          check=True)
    return done.stdout.decode()


@test
def beside_the_guest():
    """Of a terminal that the guest has it uses nothing until Ctrl-a c."""
    end = "QEMU: Terminated\n\r"
    check(on_standard_streams(b"\1x") == end)
    text = on_standard_streams(b"\1cinfo status\nquit\n")
    check(re.match(r"NEMU [^\n]*information\r\n\(qemu\) info status\r\n", text),
          repr(text))
    # Nobody else wants it.
    for where in ("none", "null"):
        text = on_standard_streams(b"quit\n", "-serial", where)
        check(text.startswith("NEMU ") and "(qemu) quit" in text, repr(text))


if __name__ == "__main__":
    raise SystemExit(main())
