#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual has a text for each option, command, event, type, member, value,
device, object, machine, CPU and property that the program has.

usage: test-manual.py BUILD-DIR

The program is asked what it has, the schema files for the names of types;
the generated parts of the manual are searched for each. With Sphinx, so are
the man page and the HTML.
"""
import glob
import html
import os
import re
import sys

from program import BINARY, Program, Skip, check, main, run, test

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(ROOT, "scripts"))

# pylint: disable=wrong-import-position
from qapi.main import read_config                           # noqa: E402
from qapi.schema import Schema                              # noqa: E402

# Second names of devices, shown with the first.
VARIANT = "-non-transitional"


def read(*path):
    with open(os.path.join(BUILD, *path), encoding="utf-8") as f:
        return f.read()


def schema():
    return Schema(os.path.join(ROOT, "qapi", "nemu.json"),
                  read_config(os.path.join(BUILD, "config-host.h")))


def sections(text):
    """From labels to what follows them, up to the next label."""
    parts = re.split(r"^\.\. _([^\n]+):$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def described(section, name):
    """Whether ``name`` heads a line and an indented text follows it."""
    return re.search(r"^( *)``%s``[^\n]*\n\1 +\S" % re.escape(name), section,
                     re.M) is not None


def all_of(missing, kind):
    check(not missing, "no text in the manual for", kind, sorted(missing))


@test
def options():
    text = read("qapi", "options.rst")
    status, listed, _ = run(["-help"])
    check(status == 0)
    names = re.findall(r"^-([\w-]+)", listed, re.M)
    check(len(names) > 60, names)
    entries = {name: body for head, body in re.findall(
        r"^(``-.*)\n((?:    .*\n|\n)+)", text, re.M)
        for name in re.findall(r"``-([\w-]+)``", head)}
    all_of({n for n in names if n not in entries
            or not re.search(r"^    \w", entries[n], re.M)}, "options")
    for opt in schema().options.values():
        for name in [opt.name, *opt.aliases]:
            check(name in entries, "no entry for option", name)
        if opt.absent:
            check(opt.absent.split()[0] in entries[opt.name], opt.name)
    with Program(["-M", "none", "-nodefaults"]) as program:
        told = program.get("query-command-line-options")
    by_group = {o.group: o for o in schema().options.values()}
    for group in told:
        opt = by_group[group["option"]]
        if opt.value_kind() != "STRUCT":
            continue
        all_of({p["name"] for p in group["parameters"]
                if not described(entries[opt.name], p["name"])},
               "parameters of -" + opt.name)


@test
def qmp():
    parts = sections(read("qapi", "qmp-reference.rst"))
    with Program(["-M", "none", "-nodefaults"]) as program:
        info = program.get("query-qmp-schema")
    for meta, label in (("command", "cmd"), ("event", "event")):
        all_of({e["name"] for e in info if e["meta-type"] == meta and
                "qapi-%s-%s" % (label, e["name"]) not in parts}, meta + "s")
    entities = [e for e in schema().entities if e.kind != "option"
                and not getattr(e, "implicit", False)]
    check(len(entities) > 200)
    for entity in entities:
        label = {"command": "cmd", "event": "event"}.get(entity.kind, "type")
        part = parts.get("qapi-%s-%s" % (label, entity.name), "")
        check(re.search(r"^~+\n\n\w", part, re.M), "no text for", label,
              entity.name)
        names = {f.name for f in entity.features}
        if entity.kind == "enum":
            names |= {v.name for v in entity.values} | set(entity.absent)
        elif entity.kind == "alternate":
            names |= {b.name for b in entity.branches}
        elif entity.kind == "object":
            names |= {m.name for m in entity.local_members}
        elif entity.arg and entity.arg.implicit:
            names |= {m.name for m in entity.arg.local_members}
        all_of({n for n in names if not described(part, n)},
               "members of " + entity.name)
        for branch in getattr(entity, "branches", []):
            check(entity.kind == "alternate" or "``%s``" % branch.name in part,
                  entity.name, "lacks branch", branch.name)


def properties(program, command, name):
    return {p["name"] for p in program.get(command, {"typename": name})
            if p["name"] != "type"}


@test
def devices_and_objects():
    parts = sections(read("docs", "devices.rst"))
    with Program(["-M", "none", "-nodefaults"]) as program:
        _, listed, _ = run(["-device", "help"])
        listed = listed.split("\nCPU devices:")[0]
        names = [n for n in re.findall(r'^name "([^"]+)"', listed, re.M)
                 if not n.endswith(VARIANT)]
        check(len(names) > 10, names)
        for name in names:
            check("device-" + name in parts, "no device", name)
            all_of({p for p in properties(program, "device-list-properties",
                                          name)
                    if not described(parts["device-" + name], p)},
                   "properties of " + name)
        objects = program.get("qom-list-types",
                              {"implements": "user-creatable"})
        check(len(objects) > 5, objects)
        for name in (o["name"] for o in objects):
            check("object-" + name in parts, "no object", name)
            all_of({p for p in properties(program, "qom-list-properties",
                                          name)
                    if not described(parts["object-" + name], p)},
                   "properties of " + name)
        for machine in program.get("query-machines"):
            name = machine["name"]
            check("machine-" + name in parts, "no machine", name)
            all_of({p for p in properties(program, "qom-list-properties",
                                          name + "-machine")
                    if not described(parts["machine-" + name], p)},
                   "properties of " + name)


@test
def all_types():
    text = read("docs", "devices.rst")
    with Program(["-M", "none", "-nodefaults"]) as program:
        types = program.get("qom-list-types", {"abstract": True})
        models = program.get("query-cpu-definitions")
    check(len(types) > 100)
    plain = text.replace("\\", "")
    all_of({t["name"] for t in types if not re.search(
        r"^\*\*%s\*\*( \([^)]*\))?: \w" % re.escape(t["name"]), plain, re.M)},
        "types")
    all_of({m["name"] for m in models
            if "``%s``" % m["name"] not in text}, "CPU models")


@test
def parts_are_in_the_manual():
    """Each generated file is included somewhere below docs/."""
    included = set()
    for path in glob.glob(os.path.join(ROOT, "docs", "**", "*.rst"),
                          recursive=True):
        with open(path, encoding="utf-8") as f:
            included |= set(re.findall(r"include:: \S*generated/(\S+)",
                                       f.read()))
    check(included == {"options.rst", "qmp-reference.rst", "devices.rst"},
          included)


@test
def man_page_and_html():
    """As Sphinx, for which warnings are errors, has made them."""
    page = os.path.join(BUILD, "docs", "qemu-system-nemu.1")
    if not os.path.exists(page):
        raise Skip("not made: make docs")
    if any(os.path.getmtime(page) < os.path.getmtime(os.path.join(BUILD, *p))
           for p in (("qapi", "options.rst"), ("qapi", "qmp-reference.rst"))):
        raise Skip("made before the last change")
    man = read("docs", "qemu-system-nemu.1").replace("\\-", "-")
    wanted = schema()
    all_of({o.name for o in wanted.options.values()
            if not re.search(r"-%s\b" % re.escape(o.name), man)},
           "options in the man page")
    pages = {name: html.unescape(re.sub(r"<[^>]+>", "", read(
        "docs", "manual", *name.split("/")))) for name in (
            "man/qemu-system-nemu.html", "user/qmp.html",
            "user/devices.html")}
    all_of({o.name for o in wanted.options.values()
            if "-" + o.name not in pages["man/qemu-system-nemu.html"]},
           "options in the manual")
    all_of({e.name for e in wanted.entities if e.kind != "option"
            and not getattr(e, "implicit", False)
            and e.name not in pages["user/qmp.html"]}, "QMP in the manual")
    check("virtio-rng-pci" in pages["user/devices.html"])


if __name__ == "__main__":
    check(BINARY)
    raise SystemExit(main())
