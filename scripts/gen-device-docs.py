#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Manual pages of devices, objects, machines and CPUs: asks the program.

usage: gen-device-docs.py PROGRAM OUTPUT.rst

Names come from the help texts of the command line, properties from QMP; the
program runs without a machine, so it needs no KVM.
"""
import json
import re
import subprocess
import sys
import textwrap

DEVICE = re.compile(r'^name "([^"]+)"(?:, bus ([^,]+))?(?:, alias "([^"]+)")?'
                    r'(?:, desc "(.*?)")?(?:, no-user)?$')
# Each of the many CPU models has the same properties: shown for one.
CPU_OF_ALL = {"x86_64": "max-x86_64-cpu", "aarch64": "max-arm-cpu"}
VARIANT = "-non-transitional"


def help_text(program, *args):
    return subprocess.run([program, *args], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Qmp:
    """The program with no machine, asked over its standard input."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "-M", "none", "-nodefaults", "-accel", "qtest", "-qmp",
             "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        while True:
            answer = json.loads(self.process.stdout.readline())
            if "error" in answer:
                raise SystemExit("%s %s: %s" % (command, arguments,
                                                answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]

    def close(self):
        self.ask("quit")
        self.process.wait()


def type_texts(qmp):
    """What each type is for: name to sentence."""
    listed = qmp.ask("human-monitor-command",
                     **{"command-line": "info qom-types"})
    return dict(line.split(": ", 1) for line in listed.splitlines())


def heading(text, char):
    return "%s\n%s\n\n" % (text, char * len(text))


def escape(text):
    text = re.sub(r"([*|`\\])", r"\\\1", text)
    return re.sub(r"_(?=\W|\Z)", r"\\_", text)


def default_text(prop):
    value = prop.get("default-value")
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        value = "on" if value else "off"
    return " (default: ``%s``)" % value


def properties(props):
    text = ""
    for prop in sorted(props, key=lambda x: x["name"]):
        if prop["name"] == "type":
            continue
        if not prop.get("description"):
            raise SystemExit("property '%s' has no text" % prop["name"])
        text += "``%s``: %s\n    %s%s\n\n" % (
            prop["name"], prop["type"], escape(prop["description"]),
            default_text(prop))
    return text or "No properties.\n\n"


def devices(program, qmp):
    text = heading("Devices", "=")
    text += ("For ``-device NAME,property=value,...`` and ``device_add``. Types "
             "that end in ``-device`` are\nthe part of a virtio device behind "
             "its transport; one uses the ``-pci`` types. Names with\n``%s`` "
             "are the same devices under a second name.\n\n" % VARIANT)
    for line in help_text(program, "-device", "help").splitlines():
        match = DEVICE.match(line)
        if line.endswith("devices:"):
            # models are in the list of CPUs
            if line.startswith("CPU"):
                break
            text += heading(line.rstrip(":"), "-")
        elif match and not match[1].endswith(VARIANT):
            name, bus, alias, desc = match.groups()
            text += ".. _device-%s:\n\n" % name + heading(name, "~")
            text += "%s%s%s.\n\n" % (
                escape((desc or name)[:1].upper() + (desc or name)[1:]),
                "; alias ``%s``" % alias if alias else "",
                "; sits on a bus of type ``%s``" % bus if bus else "")
            text += properties(qmp.ask("device-list-properties",
                                       typename=name))
    return text


def objects(program, qmp):
    text = heading("Objects", "=")
    text += "For ``-object NAME,id=ID,property=value,...`` and ``object-add``.\n\n"
    for line in help_text(program, "-object", "help").splitlines()[1:]:
        name, _, desc = line.strip().partition(" ")
        text += ".. _object-%s:\n\n" % name + heading(name, "-")
        if desc:
            text += escape(desc.strip().capitalize()) + ".\n\n"
        text += properties(qmp.ask("qom-list-properties", typename=name))
    return text


def machines(program, qmp):
    text = heading("Machines", "=")
    text += "For ``-machine NAME,property=value,...``.\n\n"
    listed = help_text(program, "-machine", "help").splitlines()[1:]
    for line in listed:
        name, _, desc = line.partition(" ")
        if "(alias of" in desc:
            continue
        text += ".. _machine-%s:\n\n" % name + heading(name, "-")
        text += escape(re.sub(r" *\(default\)$", ", the default",
                              desc.strip())) + ".\n\n"
        text += properties(qmp.ask("qom-list-properties",
                                   typename=name + "-machine"))
    return text


def cpus(program, qmp):
    models = qmp.ask("query-cpu-definitions")
    arch = qmp.ask("query-target")["arch"]
    text = heading("CPU models", "=")
    text += "For ``-cpu NAME,feature=on|off,property=value,...``.\n\n"
    for model in sorted(models, key=lambda x: x["name"]):
        alias = model.get("alias-of")
        text += "- ``%s``%s\n" % (model["name"],
                                  ", which is ``%s``" % alias if alias else "")
    text += "\n" + heading("Features and properties of CPUs", "-")
    return text + properties(qmp.ask("device-list-properties",
                                     typename=CPU_OF_ALL[arch]))


def types(program, qmp):
    """All types, and the properties of those that no part above has shown."""
    shown = set(re.findall(r'^name "([^"]+)"',
                           help_text(program, "-device", "help"), re.M))
    for parent in ("user-creatable", "machine"):
        shown.update(x["name"] for x in
                     qmp.ask("qom-list-types", implements=parent))
    texts = type_texts(qmp)
    text = heading("Object types", "=")
    text += ("The types of ``qom-list-types`` with what they derive from, and "
             "the properties of those\nthat are not above: what machines and "
             "options make, and users look at with ``qom-get``.\n\n")
    for info in sorted(qmp.ask("qom-list-types", abstract=True),
                       key=lambda x: x["name"]):
        name = info["name"]
        if not texts.get(name):
            raise SystemExit("type '%s' has no text" % name)
        text += "**%s**%s: %s\n\n" % (
            escape(name), " (%s)" % escape(info["parent"])
            if "parent" in info else "", escape(texts[name]))
        if not info.get("abstract") and name not in shown:
            listed = qmp.ask("qom-list-properties", typename=name)
            text += textwrap.indent(properties(listed), "    ")
    return text


def main():
    program, output = sys.argv[1:]
    qmp = Qmp(program)
    text = ".. Generated by scripts/gen-device-docs.py: do not edit.\n\n"
    try:
        for part in (machines, cpus, devices, objects, types):
            text += part(program, qmp)
    finally:
        # Left behind, it would hold the build's output open for ever.
        qmp.close()
    with open(output, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
