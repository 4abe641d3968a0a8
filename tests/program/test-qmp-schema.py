#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every QMP command of a running machine, judged by its own introspection.

The client of this test knows nothing but query-qmp-schema: requests, answers
and events must have the types it promises, no member less and none more. And
the introspection must be that of the schema files.
"""
import json
import os
import sys

from program import (ARCH, BUILD, Program, Skip, check, kvm_works, main, test)
from qmpschema import Introspection, Mismatch, error_shape

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "scripts"))

# pylint: disable=wrong-import-position
from qapi.gen_introspect import Introspection as Expected   # noqa: E402
from qapi.main import read_config                           # noqa: E402
from qapi.schema import Schema                              # noqa: E402

# Takes the properties of the device too; the schema leaves them open.
OPEN = {"device_add"}

def schema():
    config = os.path.join(BUILD, "config-host.h")
    return Schema(os.path.join(ROOT, "qapi", "nemu.json"), read_config(config))


class Client:
    """Asks, and judges what goes in and comes out."""

    def __init__(self, program):
        self.program = program
        self.types = Introspection(program.get("query-qmp-schema"))
        self.asked = set()
        self.seen = set()

    def judge(self, command, arguments, answer):
        self.asked.add(command)
        if command not in OPEN:
            self.types.arguments(command, arguments)
        if answer is None:
            return
        if "error" in answer:
            error_shape(answer)
        else:
            self.types.result(command, answer["return"])

    def events(self):
        for message in self.program.events:
            self.types.event(message)
            self.seen.add(message["event"])

    def ok(self, command, arguments=None, fds=()):
        answer = self.program.ask(command, arguments, fds)
        check("return" in answer, command, arguments, answer)
        self.judge(command, arguments, answer)
        self.events()
        return answer["return"]

    def try_it(self, command, arguments=None):
        """Either is fine, but what comes must have its shape."""
        answer = self.program.ask(command, arguments)
        self.judge(command, arguments, answer)
        return answer

    def fails(self, cls, command, arguments=None):
        answer = self.program.ask(command, arguments)
        check("error" in answer, command, arguments, answer)
        self.judge(command, arguments, answer)
        check(answer["error"]["class"] == cls, command, arguments, answer)

    def event(self, name):
        message = self.program.wait_event(name)
        self.types.event(message)
        self.seen.add(name)
        return message.get("data")


def machine_args():
    with open("disk", "wb") as f:
        f.truncate(1 << 20)
    with open("rom", "wb") as f:        # cli; hlt; jmp to the hlt
        f.write((bytes(65520) + b"\xfa\xf4\xeb\xfd").ljust(65536, b"\0"))
    firmware = ["-bios", "rom"] if ARCH == "x86_64" else []
    return [*firmware, "-nodefaults", "-M", "virt", "-smp", "2,maxcpus=4", "-m", "64",
            "-name", "guest=shape", "-uuid",
            "11111111-2222-3333-4444-555555555555",
            "-object", "iothread,id=io0",
            "-object", "rng-builtin,id=rng0",
            "-device", "virtio-rng-pci,rng=rng0,id=rng",
            "-drive", "file=disk,format=raw,if=none,id=d0",
            "-device", "virtio-blk-pci,drive=d0,id=disk,iothread=io0",
            "-netdev", "stream,id=n0,server=on,addr.type=unix,addr.path=n",
            "-device",
            "virtio-net-pci,netdev=n0,id=nic,mac=52:54:00:12:34:56",
            "-device", "virtio-balloon-pci,id=balloon",
            "-device", "pcie-root-port,id=port,chassis=1",
            "-device", "virtio-serial-pci,id=vs",
            "-chardev", "ringbuf,id=ring", "-chardev", "null,id=out",
            "-device", "virtserialport,chardev=ring,name=a.b,id=vport",
            "-serial", "chardev:out"]


def ask_about_all(c):
    """Commands that change nothing."""
    for name in ("query-version", "query-target", "query-status",
                 "query-name", "query-uuid", "query-kvm", "query-commands",
                 "query-machines", "query-cpus-fast",
                 "query-cpu-definitions",
                 "query-chardev", "query-chardev-backends", "query-block",
                 "query-named-block-nodes", "query-blockstats",
                 "query-command-line-options", "query-iothreads",
                 "query-memory-size-summary", "query-memdev",
                 "query-migrate-capabilities",
                 "query-tpm-models", "query-tpm-types", "query-pci",
                 "query-rx-filter", "query-fdsets", "qom-list-types",
                 "query-qmp-schema"):
        if name in c.types.commands:
            check(c.ok(name) is not None, name)
    if "query-gic-capabilities" in c.types.commands:
        versions = {g["version"] for g in c.ok("query-gic-capabilities")}
        check(versions == {2, 3}, versions)
    # an error on a machine that cannot plug CPUs
    c.try_it("query-hotpluggable-cpus")
    c.ok("query-named-block-nodes", {"flat": True})
    c.ok("query-blockstats", {"query-nodes": True})
    c.ok("query-rx-filter", {"name": "nic"})
    c.ok("query-command-line-options", {"option": "machine"})
    c.fails("GenericError", "query-command-line-options", {"option": "nope"})
    c.ok("qom-list-types", {"implements": "device", "abstract": True})
    for kind in ("static", "full"):
        for model in ("host", "max", "qemu64"):
            c.try_it("query-cpu-model-expansion",
                     {"type": kind, "model": {"name": model}})
    c.ok("query-cpu-model-expansion", {"type": "full",
                                       "model": {"name": "max"}})


def walk_objects(c, path="/"):
    """qom-list and qom-get of the whole tree; some cannot be read."""
    count = 0
    for prop in c.ok("qom-list", {"path": path}):
        if prop["type"].startswith("child<"):
            count += 1 + walk_objects(c, path.rstrip("/") + "/" + prop["name"])
        elif not prop["type"].startswith("link<"):
            c.try_it("qom-get", {"path": path, "property": prop["name"]})
    return count


def objects(c):
    check(walk_objects(c) > 30)
    c.ok("qom-get", {"path": "/machine", "property": "type"})
    c.ok("qom-set", {"path": "/machine/peripheral/balloon",
                     "property": "guest-stats-polling-interval", "value": 0})
    c.fails("DeviceNotFound", "qom-list", {"path": "/nowhere"})
    c.fails("GenericError", "qom-get", {"path": "/machine",
                                        "property": "nope"})
    c.ok("object-add", {"qom-type": "rng-random", "id": "r1",
                        "filename": "/dev/urandom"})
    c.fails("GenericError", "object-add", {"qom-type": "rng-random",
                                           "id": "r1"})
    c.ok("object-del", {"id": "r1"})
    c.fails("GenericError", "object-del", {"id": "r1"})
    for name in c.ok("qom-list-types", {"implements": "user-creatable"}):
        c.ok("qom-list-properties", {"typename": name["name"]})
    c.ok("qom-list-properties", {"typename": "no-such-type"})
    for name in c.ok("qom-list-types", {"implements": "device"}):
        c.ok("device-list-properties", {"typename": name["name"]})
    c.fails("DeviceNotFound", "device-list-properties",
            {"typename": "no-such-type"})


def graph(c):
    """Changes of the node null0."""
    bitmap = {"node": "null0", "name": "b0"}
    c.ok("blockdev-reopen", {"options": [{
        "driver": "null-co", "node-name": "null0", "size": 1024,
        "detect-zeroes": "on"}]})
    c.fails("GenericError", "block_resize", {"node-name": "null0",
                                             "size": 2048})
    c.ok("block-set-write-threshold", {"node-name": "null0",
                                       "write-threshold": 512})
    c.ok("block-dirty-bitmap-add", {**bitmap, "granularity": 512})
    for action in ("disable", "enable", "clear"):
        c.ok("block-dirty-bitmap-" + action, bitmap)
    c.ok("block-dirty-bitmap-merge", {"node": "null0", "target": "b0",
                                      "bitmaps": ["b0"]})
    c.ok("x-debug-block-dirty-bitmap-sha256", bitmap)
    c.ok("query-named-block-nodes")
    c.ok("transaction", {"actions": [
        {"type": "block-dirty-bitmap-clear", "data": bitmap}]})
    c.fails("GenericError", "transaction", {"actions": [
        {"type": "abort", "data": {}}]})
    c.ok("block-dirty-bitmap-remove", bitmap)
    c.ok("block_set_io_throttle", {
        "device": "d0", "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 1000,
        "iops_rd": 0, "iops_wr": 0})
    c.ok("query-block")
    c.ok("block-latency-histogram-set", {"id": "disk", "boundaries": [10]})
    c.ok("query-blockstats")
    snapshot = {"device": "null0", "name": "s"}
    c.fails("GenericError", "blockdev-snapshot-internal-sync", snapshot)
    c.fails("GenericError", "blockdev-snapshot-delete-internal-sync", snapshot)
    c.fails("GenericError", "blockdev-snapshot", {"node": "null0",
                                                  "overlay": "null0"})
    c.try_it("blockdev-snapshot-sync", {"device": "d0",
                                        "snapshot-file": "overlay"})


def back_ends(c):
    c.ok("chardev-add", {"id": "c1", "backend": {
        "type": "ringbuf", "data": {"size": 64}}})
    # As libvirt adds a TCP socket, with what it always says of telnet.
    tcp = {"addr": {"type": "inet", "data": {"host": "127.0.0.1",
                                             "port": "0"}},
           "wait": False, "telnet": False, "server": True}
    c.ok("chardev-add", {"id": "c2", "backend": {"type": "socket",
                                                 "data": tcp}})
    c.ok("chardev-remove", {"id": "c2"})
    c.fails("GenericError", "chardev-add", {"id": "c2", "backend": {
        "type": "socket", "data": dict(tcp, telnet=True)}})
    c.ok("ringbuf-write", {"device": "c1", "data": "abc"})
    check(c.ok("ringbuf-read", {"device": "c1", "size": 8}) == "abc")
    c.ok("query-yank")
    c.ok("yank", {"instances": []})
    c.fails("DeviceNotFound", "yank", {"instances": [
        {"type": "block-node", "node-name": "none"}]})
    c.ok("chardev-remove", {"id": "c1"})
    c.fails("GenericError", "chardev-remove", {"id": "c1"})
    if "chardev-change" in c.types.commands:
        c.ok("chardev-change", {"id": "out", "backend": {
            "type": "null", "data": {}}})
    if "chardev-send-break" in c.types.commands:
        c.ok("chardev-send-break", {"id": "out"})
    c.ok("blockdev-add", {"driver": "null-co", "node-name": "null0",
                          "size": 1024})
    c.ok("query-named-block-nodes")
    graph(c)
    c.ok("blockdev-del", {"node-name": "null0"})
    c.fails("GenericError", "blockdev-del", {"node-name": "null0"})
    c.ok("netdev_add", {"type": "stream", "id": "n1", "server": True,
                        "addr": {"type": "unix", "path": "n1"}})
    c.ok("netdev_del", {"id": "n1"})
    c.fails("DeviceNotFound", "netdev_del", {"id": "n1"})
    c.ok("set_link", {"name": "nic", "up": False})
    c.ok("set_link", {"name": "nic", "up": True})
    c.fails("DeviceNotFound", "set_link", {"name": "nope", "up": True})


def descriptors(c):
    for_guest, ours = os.pipe()
    c.ok("getfd", {"fdname": "p"}, fds=[for_guest])
    c.ok("closefd", {"fdname": "p"})
    c.fails("GenericError", "closefd", {"fdname": "p"})
    fdset = c.ok("add-fd", {"opaque": "x"}, fds=[for_guest])["fdset-id"]
    check(any(s["fdset-id"] == fdset for s in c.ok("query-fdsets")))
    c.ok("remove-fd", {"fdset-id": fdset})
    c.fails("GenericError", "remove-fd", {"fdset-id": fdset})
    if "add_client" in c.types.commands:
        c.fails("GenericError", "add_client", {"protocol": "vnc",
                                               "fdname": "p"})
    os.close(for_guest)
    os.close(ours)


def devices(c):
    answer = c.try_it("device_add", {"driver": "virtio-rng-pci", "id": "hot",
                                     "bus": "port"})
    if "return" in answer:
        c.ok("device_del", {"id": "hot"})
    c.fails("GenericError", "device_add", {"driver": "no-such-device"})
    c.fails("DeviceNotFound", "device_del", {"id": "no-such-device"})


def run_state(c):
    check(c.ok("query-status")["status"] == "prelaunch")
    c.ok("cont")
    c.event("RESUME")
    c.ok("stop")
    c.event("STOP")
    check(c.ok("query-status")["status"] == "paused")
    c.ok("cont")
    c.event("RESUME")
    c.ok("system_reset")
    check(c.event("RESET")["guest"] is False)
    c.ok("system_powerdown")
    c.event("POWERDOWN")
    c.fails("GenericError", "system_wakeup")
    c.ok("set-action", {"reboot": "shutdown", "shutdown": "pause",
                        "panic": "pause"})
    c.ok("set-action", {"reboot": "reset", "shutdown": "poweroff"})
    c.ok("migrate-set-capabilities", {"capabilities": [
        {"capability": "events", "state": True}]})
    for command, arguments in (("balloon", {"value": 32 << 20}),
                               ("query-balloon", None),
                               ("inject-nmi", None)):
        # both need what only a guest with drivers, or KVM, has
        answer = c.try_it(command, arguments)
        check("return" in answer or answer["error"]["class"] in
              ("GenericError", "DeviceNotActive"), command, answer)
    check("running" in c.ok("human-monitor-command",
                            {"command-line": "info status"}))


def all_commands(accel):
    with Program([*machine_args(), "-accel", accel, "-S"]) as program:
        c = Client(program)
        c.asked.add("qmp_capabilities")
        c.fails("CommandNotFound", "qmp_capabilities")
        ask_about_all(c)
        objects(c)
        back_ends(c)
        descriptors(c)
        devices(c)
        run_state(c)
        c.events()
        c.ok("quit")
        c.event("SHUTDOWN")
        check(program.wait_exit() == 0)
        check(c.asked == c.types.commands, "not asked:",
              c.types.commands - c.asked, "unknown:",
              c.asked - c.types.commands)


@test
def all_commands_with_qtest():
    all_commands("qtest")


@test
def all_commands_with_kvm():
    if not kvm_works():
        raise Skip("no /dev/kvm")
    all_commands("kvm")


# A value of no type that a member of this JSON type could have.
WRONG = {"string": [1, {}, []], "int": ["x", 1.5, {}, None],
         "number": ["x", {}], "boolean": [1, "on", {}], "null": [1],
         "object": [1, "x", []], "array": [1, {}], "value": []}


def json_type(types, name):
    entry = types.entries[name]
    return {"enum": "string", "builtin": entry.get("json-type"),
            "alternate": "value"}.get(entry["meta-type"], entry["meta-type"])


def bad_arguments(types, command):
    """Arguments that the introspection says cannot be right."""
    members = types.entries[types.entries[command]["arg-type"]]["members"]
    yield {"no-such-argument": 1}
    yield []
    yield "text"
    if any("default" not in m for m in members):
        yield {}
    for member in members:
        for value in WRONG[json_type(types, member["type"])]:
            yield {member["name"]: value}


@test
def wrong_arguments():
    """Each command refuses what its introspection does not allow."""
    with Program([*machine_args(), "-accel", "qtest", "-S"]) as program:
        types = Introspection(program.get("query-qmp-schema"))
        count = 0
        for command in sorted(types.commands - OPEN):
            for arguments in bad_arguments(types, command):
                answer = program.ask(command, arguments)
                check("error" in answer, command, arguments, answer)
                error_shape(answer)
                count += 1
        check(count > 200, count)
        check(program.get("query-status")["status"] == "prelaunch")


@test
def introspection_is_that_of_the_schema_files():
    files = schema()
    expected = json.loads(json.dumps(Expected(files).run()))
    with Program(["-M", "none", "-nodefaults"]) as program:
        told = program.get("query-qmp-schema")
        commands = {c["name"] for c in program.get("query-commands")}
    check(told == expected, "the program's introspection differs from "
          "what the schema files give")
    check(commands == set(files.commands), commands ^ set(files.commands))


@test
def introspection_describes_itself():
    with Program(["-M", "none", "-nodefaults"]) as program:
        told = program.get("query-qmp-schema")
    Introspection(told).result("query-qmp-schema", told)


@test
def the_judge_finds_mistakes():
    """Else the tests above mean nothing."""
    with Program(["-M", "none", "-nodefaults"]) as program:
        types = Introspection(program.get("query-qmp-schema"))
        status = program.get("query-status")
        machines = program.get("query-machines")
    types.result("query-status", status)
    wrong = [("query-status", {**status, "more": 1}),
             ("query-status", {"running": True}),
             ("query-status", {**status, "running": "yes"}),
             ("query-status", {**status, "status": "asleep"}),
             ("query-status", [status]),
             ("query-machines", [*machines, {}]),
             ("query-name", {"name": 1})]
    for command, value in wrong:
        try:
            types.result(command, value)
        except Mismatch:
            continue
        raise AssertionError("%s %s passed" % (command, value))


def parameters(program, option):
    answer = program.get("query-command-line-options", {"option": option})
    check([x["option"] for x in answer] == [option], answer)
    return {p["name"]: p["type"] for p in answer[0]["parameters"]}


@test
def command_line_options():
    """Names and types as QEMU's clients look for them."""
    with Program(["-M", "none", "-nodefaults"]) as program:
        listed = {x["option"] for x in
                  program.get("query-command-line-options")}
        machine = parameters(program, "machine")
        smp = parameters(program, "smp-opts")
        memory = parameters(program, "memory")
        boot = parameters(program, "boot-opts")
        msg = program.get("query-command-line-options", {"option": "msg"})
    for name in ("accel", "action", "add-fd", "chardev", "device", "drive",
                 "fw_cfg", "machine", "mon", "msg", "name", "netdev",
                 "object", "overcommit", "rtc", "trace"):
        check(name in listed, name, "is not in", sorted(listed))
    for name, kind in (("type", "string"), ("accel", "string"),
                       ("kernel", "string"), ("initrd", "string"),
                       ("append", "string"), ("dump-guest-core", "boolean"),
                       ("mem-merge", "boolean"), ("usb", "boolean"),
                       ("memory-backend", "string")):
        check(machine.get(name) == kind, name, machine.get(name))
    if ARCH == "x86_64":            # or libvirt would pass hpet=off
        check(not {"acpi", "hpet", "pit", "smm", "vmport"} & set(machine))
    check(set(smp) == {"cpus", "sockets", "dies", "clusters", "cores",
                       "threads", "maxcpus"}, smp)
    check(set(memory) == {"size", "slots", "maxmem"}, memory)
    check(boot["strict"] == "boolean" and boot["order"] == "string", boot)
    check(msg == [{"option": "msg", "parameters": [
        {"name": "timestamp", "type": "boolean",
         "help": "start them with the time (default: off)"},
        {"name": "guest-name", "type": "boolean",
         "help": "start them with the guest's name (default: off)"}]}], msg)


if __name__ == "__main__":
    raise SystemExit(main())
