#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of make check-style: each finds what it is there to find."""
import contextlib
import importlib.util
import io
import os
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")


def load(name):
    spec = importlib.util.spec_from_file_location(
        name.replace("-", "_"), os.path.join(ROOT, "scripts", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layers = load("check-layers")
size = load("check-size")
device = load("check-device")
maintainers = load("check-maintainers")
text = load("check-text")


class LayersTest(unittest.TestCase):
    def test_table(self):
        for path, header, wrong in (
                ("util/iov.c", "util/iov.h", None),
                ("util/iov.c", "qom/object.h", "rank 0 includes"),
                ("include/net/net.h", "hw/core/qdev.h", "rank 3 includes"),
                ("hw/char/serial.c", "hw/isa/isa.h", None),
                ("hw/char/serial.c", "hw/nvram/fw_cfg.h", "sibling"),
                ("hw/char/serial.c", "target/i386/cpu.h", "sibling"),
                ("accel/kvm/i386.c", "target/i386/cpu.h", None),
                ("target/i386/cpu.c", "accel/qtest.h", "sibling"),
                ("hw/i386/virt.c", "hw/nvram/fw_cfg.h", None),
                ("hw/pci/pci.c", "hw/i386/boot.h", "rank 4 includes"),
                ("system/main/main.c", "monitor/monitor.h", None),
                ("system/cpus.c", "monitor/monitor.h", "rank 4 includes"),
                ("migration/vmstate.c", "io/socket.h", None),
                ("hw/net/a.c", "migration/vmstate.h", None),
                ("hw/net/a.c", "hw/net/b-internal.h", None),
                ("hw/net/a.c", "hw/virtio/virtio-internal.h", "private"),
                ("hw/net/a.c", "../b.h", "leaves its folder"),
                ("hw/net/a.c", "b.h", "by its path"),
                ("hw/net/a.c", "nowhere/b.h", "no rank"),
        ):
            found = layers.problem(path, header)
            if wrong is None:
                self.assertIsNone(found, (path, header))
            else:
                self.assertIn(wrong, found or "", (path, header))


class SizeTest(unittest.TestCase):
    SOURCE = """
static int add(int a,
               int b)
{
    int sum = 0;

    for (;;) {
        if (a) {
            sum += b;
        }
    }
    return sum;
}

void none(void)
{
    static const int x[] = { 1, { 2, { 3, { 4 } } } };
}
"""

    def test_functions(self):
        found = list(size.functions(self.SOURCE))
        self.assertEqual([x[0] for x in found], ["add", "none"])
        self.assertEqual(len(found[0][2]), 8)
        self.assertEqual(size.parameters(found[0][3]), 2)
        self.assertEqual(size.parameters(found[1][3]), 0)

    def test_nesting_counts_statements_alone(self):
        found = list(size.functions(self.SOURCE))
        self.assertEqual(size.nesting(found[0][2]), 2)
        self.assertEqual(size.nesting(found[1][2]), 0)

    def test_else_and_case_count(self):
        self.assertEqual(size.nesting([
            "if (a) {", "} else if (b) {", "switch (c) {", "case 1: {",
            "while (d) {", "}", "}", "}", "}"]), 3)

    def test_measure_reports_above_stop(self):
        report = size.Report(False)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            report.measure("a.c", "a.c:1", "lines", 1000, 1000)
            report.measure("a.c", "a.c:1", "lines", 1001, 1000)
        self.assertEqual(report.bad, 1)
        self.assertIn("a.c:1: lines is 1001, at most 1000", out.getvalue())


class DeviceTest(unittest.TestCase):
    def test_types_that_can_be_made(self):
        block = '{ .name = %s, .parent = %s, .flags = { 1 }%s }'
        source = "static const TypeInfo t[] = {" + ", ".join((
            block % ("A", "TYPE_PCI_DEVICE", ""),
            block % ("B", "TYPE_DEVICE", ", .abstract = true"),
            block % ("C", "TYPE_OBJECT", ""))) + "};"
        inner = source[source.index("= {") + 3:]
        self.assertEqual([x for x, _ in device.made_types(inner)], ["A"])

    def test_what_is_missing(self):
        folder = os.path.join(ROOT, "hw", "virtio", "virtio-rng.c")
        with open(folder, encoding="utf-8") as source:
            whole = source.read()
        self.assertTrue(device.has_essay(whole))
        self.assertFalse(device.has_essay(
            "/* SPDX-License-Identifier: x */\nint a;\n"))


class MaintainersTest(unittest.TestCase):
    def test_patterns(self):
        for pattern, path, fits in (
                ("util/", "util/a/b.c", True), ("util/", "util2/a.c", False),
                ("a/*.c", "a/b.c", True), ("a/*.c", "a/b/c.c", False),
                ("README.md", "README.md", True), ("a.c", "abc", False)):
            self.assertEqual(
                bool(maintainers.to_regex(pattern).match(path)), fits,
                (pattern, path))


class TextTest(unittest.TestCase):
    def test_table(self):
        for path, line, wrong in (
                ("util/a.c", "int a;", None),
                ("util/a.c", "\tint a;", "tab"),
                ("util/a.c", "int a; ", "white space"),
                ("util/a.c", "int a; // why", "comments are"),
                ("util/a.c", 'x("http://y"); /* http://z */', None),
                ("util/a.c", "x" * 101, "columns"),
                ("util/a.c", "/* TODO: more */", "TODO"),
                ("util/a.c", "/* TODO: more, see #12 */", None),
                ("util/a.c", "abort();", None),
                ("hw/net/a.c", "abort();", "only main"),
                ("hw/net/a.c", "pc->exit(dev); g_assert(x);", None),
                ("hw/net/a.c", 'printf("x");', "trace events"),
                ("hw/core/qdev-help.c", 'printf("x");', None),
                ("util/a.c", "n = MIN(a, f(b));", "'f(' in MIN()"),
                ("util/a.c", "n = MAX(a++, 2);", "'++' in MAX()"),
                ("util/a.c", "n = CLAMP(x = a,\n1, 2);", "'=' in CLAMP()"),
                ("util/a.c", "n = MIN(a, MAX(b, s->ops->f(c)));", "'f('"),
                ("util/a.c", "n = MIN((*f)(a), b);", "(*f)("),
                ("util/a.c", "n = ROUND_UP(t[i](a), b);", "]("),
                ("util/a.c", "n = MIN(*(volatile int *)p, b);", "volatile"),
                ("util/a.c", "n = MIN((uint64_t)(a - b), BIT(3)) + f(a);",
                 None),
                ("util/a.c", "n = MIN(sizeof(a), a >= b ? b : 2);", None),
                ("util/a.h", "#define CLAMP(a, b, c) f(a)", None)):
            found = [what for _, what in text.problems(path, line)]
            if wrong is None:
                self.assertEqual(found, [], (path, line))
            else:
                self.assertTrue(any(wrong in x for x in found), (path, line))


if __name__ == "__main__":
    unittest.main()
