#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of make check-style: each finds what it is there to find."""
import contextlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")


def load(name):
    spec = importlib.util.spec_from_file_location(
        name.replace("-", "_"), os.path.join(ROOT, "scripts", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, os.path.join(ROOT, "scripts"))   # they import each other
builds = load("compare-builds")
layers = load("check-layers")
size = load("check-size")
device = load("check-device")
maintainers = load("check-maintainers")
spdx = load("check-spdx")
text = load("check-text")
trace = load("check-trace")


class BuildsTest(unittest.TestCase):
    NINJA = """
build util/libutil.a.p/iov.c.o: c_COMPILER ../util/iov.c || qapi/x.h
build hw/libhw.a.p/pl011.c.o: c_COMPILER ../hw/char/pl011.c
build qapi/libqapi.a.p/types.c.o: c_COMPILER qapi/qapi-types.c
build tests/t.p/t.c.o: c_COMPILER ../tests/t.c
build util/libutil.a: STATIC_LINKER util/libutil.a.p/iov.c.o
build hw/libhw.a: STATIC_LINKER hw/libhw.a.p/pl011.c.o
build tests/t: c_LINKER tests/t.p/t.c.o
build qemu-system-nemu: c_LINKER qapi/libqapi.a.p/types.c.o | util/libutil.a hw/libhw.a /usr/lib/libz.so
"""

    def test_sources(self):
        self.assertEqual(builds.sources(self.NINJA), {
            "util/iov.c", "hw/char/pl011.c", "qapi/qapi-types.c"})
        self.assertEqual(builds.sources("build a: b c"), set())

    def test_neutral(self):
        paths = builds.sources(self.NINJA) | {"util/coroutine-x86_64.S",
                                              "hw/pci-host/gpex.c"}
        self.assertEqual(builds.neutral(paths, layers.rank_of),
                         {"util/iov.c", "qapi/qapi-types.c"})


class LayersTest(unittest.TestCase):
    def test_table(self):
        for path, header, wrong in (
                ("util/iov.c", "util/iov.h", None),
                ("util/iov.c", "qom/object.h", "rank 0 includes"),
                ("include/net/net.h", "hw/core/qdev.h", "rank 3 includes"),
                ("hw/char/serial.c", "hw/isa/isa.h", None),
                ("hw/char/serial.c", "hw/misc/pvpanic.h", "sibling"),
                ("hw/char/serial.c", "target/i386/cpu.h", "sibling"),
                ("accel/kvm/i386.c", "target/i386/cpu.h", None),
                ("target/i386/cpu.c", "accel/qtest.h", "sibling"),
                ("hw/i386/virt.c", "hw/nvram/fw_cfg.h", None),
                ("hw/pci/pci.c", "hw/i386/boot.h", "rank 4 includes"),
                ("system/main/main.c", "monitor/monitor.h", None),
                ("system/cpus.c", "monitor/monitor.h", "rank 4 includes"),
                ("migration/vmstate.c", "io/socket.h", None),
                ("hw/net/a.c", "migration/vmstate.h", None),
                ("hw/pci/pci.c", "hw/pci-host/gpex.h", "rank 4 includes"),
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

    def test_tables(self):
        table = "====  ====\na     b\n====  ====\naa,\n%s\n\n      c\n====  ====\n"
        for row, lines in (("a     b and more", []), ("aa    b", []),
                           ("aaaa, b", [5]), ("aaaaaaaa", [5])):
            found = text.table_problems("a.rst", table % row + "\nanything\n")
            self.assertEqual([number for number, _ in found], lines, row)


SPDX = "SPDX-License-Identifier: GPL-2.0-or-later"
# A tree that keeps all rules.
TREE = {
    "MAINTAINERS": "# " + SPDX + "\nF: MAINTAINERS\nF: hw/\nF: trace/\n"
                   "F: tests/\n",
    "trace/meson.build": "# " + SPDX + "\ntrace_event_dirs = [\n"
                         "    'hw/misc',\n]\n",
    "hw/misc/trace-events": "# " + SPDX + "\n# a.c\na_read(int x) \"%d\"\n",
    "hw/misc/a.c": """/* """ + SPDX + """ */
/*
 * Models a thing.
 */
#include "util/osdep.h"
#include "hw/pci/pci.h"

static const VMStateDescription vmstate_a = {
    .name = "a",
};

static void a_read(int x)
{
    trace_a_read(x);
}

static const TypeInfo a_types[] = {
    {
        .name = "a",
        .parent = TYPE_PCI_DEVICE,
        .help = "a thing",
    },
};
""",
    "tests/qtest/hw/misc/a-test.c": "/* " + SPDX + " */\n",
}
SOURCE = "hw/misc/a.c"


class BrokenTreeTest(unittest.TestCase):
    """Each rule, run on a tree that breaks it in one place."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        subprocess.run(["git", "init", "-q"], check=True)
        for path, content in TREE.items():
            self.write(path, content)
        for module in (size, device):
            self.addCleanup(setattr, module, "EXCEPTIONS", module.EXCEPTIONS)
            module.EXCEPTIONS = {}

    def write(self, path, content):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        subprocess.run(["git", "add", path], check=True)

    def run_rule(self, rule):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            return rule.main(), out.getvalue()

    def test_good_tree_passes(self):
        for rule in (layers, size, device, maintainers, spdx, text, trace):
            self.assertEqual(self.run_rule(rule), (0, ""), rule.__name__)

    def test_each_rule_fails_when_broken(self):
        for rule, path, old, new, wrong in (
                (layers, SOURCE, "hw/pci/pci.h", "hw/i386/boot.h", "rank 5"),
                (layers, SOURCE, "static void", "#ifdef __x86_64__\n#endif\n"
                 "static void", "architecture"),
                (size, SOURCE, "    trace_", "    x();\n" * 61 + "    trace_",
                 "lines is 62"),
                (size, SOURCE, "(int x)", "(%s)" % ", ".join("abcdefg"),
                 "parameters is 7"),
                (device, SOURCE, "/*\n * Models a thing.\n */\n", "",
                 "no comment at the top"),
                (device, SOURCE, ".help", ".nothing", "no .help"),
                (device, SOURCE, "VMStateDescription", "int", "neither"),
                (device, SOURCE, "trace_a_read", "a", "no trace events"),
                (maintainers, "MAINTAINERS", "F: hw/\n", "", "no entry in"),
                (maintainers, "MAINTAINERS", "F: hw/", "F: hw/\nF: net/",
                 "no file is"),
                (spdx, SOURCE, SPDX, "", "no line"),
                (text, SOURCE, "    trace_", "\ttrace_", "tab"),
                (trace, SOURCE, "trace_a_read", "a", "nothing calls"),
                (trace, "trace/meson.build", "    'hw/misc',\n", "",
                 "not in trace_event_dirs"),
        ):
            with self.subTest(rule=rule.__name__, wrong=wrong):
                self.assertIn(old, TREE[path])
                self.write(path, TREE[path].replace(old, new, 1))
                status, out = self.run_rule(rule)
                self.write(path, TREE[path])
                self.assertEqual(status, 1)
                self.assertIn(wrong, out)

    def test_device_without_test_fails(self):
        os.unlink("tests/qtest/hw/misc/a-test.c")
        self.assertIn("no tests/qtest/hw/misc/a-test.c",
                      self.run_rule(device)[1])

    def test_exception_that_is_not_needed_fails(self):
        device.EXCEPTIONS = {(SOURCE, "trace"): "none"}
        size.EXCEPTIONS = {SOURCE: "none"}
        for rule in (device, size):
            status, out = self.run_rule(rule)
            self.assertEqual(status, 1)
            self.assertIn("no longer needed", out)


if __name__ == "__main__":
    unittest.main()
