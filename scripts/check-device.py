#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices are complete: essay, help text, state, trace events, test.

A device is a file under hw/ with a type that can be made and whose parent is a
device. Its helpers x-queue.c, x-ctrl.c and the like count as part of x.c.
Properties cannot lack their text (the macros take it), entries of MAINTAINERS
are check-maintainers.py's, and the manual's page comes from the built program
(scripts/gen-device-docs.py).
"""
import glob
import os
import re
import sys

# Types that make a device of what derives from them.
DEVICE_PARENT = re.compile(
    r"\.parent = TYPE_(DEVICE|\w+_DEVICE|PCI_BRIDGE|VIRTIO_\w*PORT)\b")
TYPE_INFO = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\.parent = TYPE_\w+"
                       r"(?:[^{}]|\{[^{}]*\})*\}", re.S)
NAME = re.compile(r"\.name = ([\w\" ()-]+)")
TEXT = re.compile(r"\.help = |->desc = ")
STATE = re.compile(r"VMStateDescription\s+\w+\s*=|\.unmigratable = |->vmsd = ")

# Frameworks and transports, tested through what is built on them.
NO_DEVICE = {
    "hw/core/cpu.c", "hw/pci/pci.c", "hw/pci/pci_bridge.c",
    "hw/isa/isa.c", "hw/virtio/virtio.c",
}
# (file, what): why it is not there
NO_STATE = "has properties alone: a guest can change nothing in it"
NO_TEST = "its qtest is not written yet"
EXCEPTIONS = {
    ("hw/char/debugcon.c", "state"): NO_STATE,
    ("hw/misc/debugexit.c", "state"): NO_STATE,
    ("hw/intc/arm_gicv2m.c", "state"): NO_STATE,
    ("hw/char/virtio-console.c", "state"):
        "a port's state is in virtio-serial's",
    ("hw/pci-bridge/pcie-root-port.c", "state"):
        "all of it is in configuration space, which the bridge class saves",
    ("hw/pci-bridge/pcie-root-port.c", "trace"):
        "configuration space and windows are traced in hw/pci",
    ("hw/pci-host/gpex.c", "trace"):
        "accesses to configuration space are traced in hw/pci",
    ("hw/pci-host/pci-lite.c", "trace"):
        "accesses to configuration space are traced in hw/pci",
    ("hw/char/serial-isa.c", "trace"): "its registers are in serial.c",
    ("hw/char/virtio-console.c", "test"): NO_TEST,
    ("hw/intc/ioapic.c", "test"):
        "needs a split irqchip: tests/guest/ioapic-serial.c has it",
}


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def made_types(text):
    """Names of the types that can be made and are devices."""
    for match in TYPE_INFO.finditer(text):
        block = match[0]
        name = NAME.search(block)
        if (name and DEVICE_PARENT.search(block) and
                ".abstract = true" not in block):
            yield name[1].strip(), block


def has_essay(text):
    comment = re.search(r"/\*(?! SPDX).*?\*/", text[:4000], re.S)
    return bool(comment) and comment[0].count("\n") >= 2


def missing(path, text):
    stem = path[:-2]
    whole = "".join(read(x) for x in [path] + glob.glob(stem + "-*.c"))
    types = list(made_types(text))
    if not has_essay(text):
        yield "essay", "no comment at the top says what it models"
    if not TEXT.search(text):
        yield "help", "no .help for %s" % ", ".join(x for x, _ in types)
    if not STATE.search(whole):
        yield "state", "neither VMStateDescription nor .unmigratable"
    if "trace_" not in whole:
        yield "trace", "no trace events"
    test = "tests/qtest/%s-test.c" % stem
    if not os.path.exists(test):
        yield "test", "no %s" % test


def main():
    bad = 0
    used = set()
    for path in sorted(glob.glob("hw/**/*.c", recursive=True)):
        text = read(path)
        if path in NO_DEVICE or not list(made_types(text)):
            continue
        for what, why in missing(path, text):
            if (path, what) in EXCEPTIONS:
                used.add((path, what))
            else:
                print("%s:1: %s" % (path, why))
                bad += 1
    for path, what in sorted(set(EXCEPTIONS) - used):
        print("scripts/check-device.py: exception (%s, %s) is no longer "
              "needed" % (path, what))
        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
