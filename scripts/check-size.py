#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes: files, functions, parameters and nesting stay within bounds.

The bounds stop growth; what one aims at is half of them (CONTRIBUTING.md).
With -v also what is larger than one would like.
"""
import os
import re
import subprocess
import sys

# (pattern, wish, stop) in lines; the first that fits counts
FILE_LIMITS = (
    (r"tests/.*\.[ch]$", 600, 800),
    (r"qapi/.*\.json$", 600, 800),
    (r".*\.c$", 600, 1000),
    (r".*\.h$", 300, 400),
    (r".*\.py$", 400, 600),
)
FUNCTION_WISH = 40
FUNCTION_STOP = 60
# A flat switch that decodes offsets or numbers reads well at twice that.
DECODER_STOP = 120
PARAMETERS_STOP = 6
NESTING_STOP = 3

# "file" or "file:function": why it may be larger. Nothing without a reason.
EXCEPTIONS = {
    "tests/unit/chardev/test-char.c:test_mux_shares_a_stream":
        "one story of a multiplexer; its steps need the ones before",
    "qapi/visitor-core.c:qapi_visit_alternate":
        "called by generated code alone, which has the table at hand",
    "qom/object-link.c:object_property_add_link":
        "name, type, place, check, flags and text are all that a link is",
    "qom/object-property.c:object_property_add":
        "the same list of members as ObjectProperty, all of them mandatory",
    "qom/object-property.c:object_class_property_add":
        "the same list of members as ObjectProperty, all of them mandatory",
    "system/memory.c:memory_region_init_rom_device":
        "what memory_region_init_io has, and RAM that may be missing",
    "block/graph.c:bdrv_attach_child":
        "parent, child, name, role and permissions are all that an edge is",
}

CONTROL = re.compile(r"(?:else\s+)?(?:if|for|while|switch|do|else|WITH_\w+|"
                     r"[A-Z_]*FOREACH\w*|\w+_for_each\w*)\b")
NO_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.S)
NAME = re.compile(r"(\w+)\s*\(")


def blank(match):
    """Text of the same shape (lines kept) without content."""
    return re.sub(r"[^\n]", " ", match.group(0))


def functions(text):
    """(name, first line, body lines, signature) of each function, in files
    that put a function's braces into column 0."""
    lines = text.split("\n")
    start = None
    for index, line in enumerate(lines):
        if line == "{":
            start = index
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and re.match(r"\s", lines[head]):
                head -= 1
            signature = " ".join(lines[head:start])
            name = NAME.search(signature)
            if name:
                yield name[1], start, lines[start + 1:index], signature
            start = None


def nesting(body):
    """Deepest control statement: 1 is directly in the function."""
    depth = deepest = 0
    stack = []
    statement = ""
    for char in "\n".join(body):
        if char == "{":
            control = bool(CONTROL.match(re.sub(
                r"^(?:(?:case\b[^:]*|default|\w+)\s*:\s*)+", "",
                statement.strip())))
            stack.append(control)
            depth += control
            deepest = max(deepest, depth)
            statement = ""
        elif char == "}":
            if stack:
                depth -= stack.pop()
            statement = ""
        elif char == ";" and statement.count("(") == statement.count(")"):
            statement = ""
        else:
            statement += char
    return deepest


def parameters(signature):
    inner = signature[signature.index("(") + 1:signature.rindex(")")]
    depth = 0
    count = 1 if inner.strip() not in ("", "void") else 0
    for char in inner:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 0
    return count


class Report:
    def __init__(self, verbose):
        self.verbose = verbose
        self.bad = 0
        self.used = set()

    def measure(self, key, where, what, value, stop, wish=None):
        if value > stop:
            if key in EXCEPTIONS:
                self.used.add(key)
                return
            print("%s: %s is %d, at most %d" % (where, what, value, stop))
            self.bad += 1
        elif self.verbose and wish and value > wish:
            print("%s: warning: %s is %d, better below %d" %
                  (where, what, value, wish))


def check_functions(path, text, report):
    for name, line, body, signature in functions(text):
        key = "%s:%s" % (path, name)
        where = "%s:%d: %s()" % (path, line, name)
        stop = FUNCTION_STOP
        if sum(1 for x in body if re.match(r"\s*case\b", x)) > 8:
            stop = DECODER_STOP
        report.measure(key, where, "lines", len(body), stop, FUNCTION_WISH)
        if not name.startswith("qmp_"):     # the schema's members
            report.measure(key, where, "parameters", parameters(signature),
                           PARAMETERS_STOP)
        report.measure(key, where, "nesting", nesting(body), NESTING_STOP)


def main():
    report = Report("-v" in sys.argv)
    listed = subprocess.run(["git", "ls-files"], check=True,
                            stdout=subprocess.PIPE).stdout.decode().split("\n")
    for path in filter(os.path.isfile, listed):
        limit = next((x for x in FILE_LIMITS if re.match(x[0], path)), None)
        if not limit:
            continue
        with open(path, encoding="utf-8") as source:
            text = source.read()
        report.measure(path, path + ":1", "lines", text.count("\n"), limit[2],
                       limit[1])
        if path.endswith(".c"):
            text = NO_CODE.sub(blank, text)
            check_functions(path, text, report)
    for key in sorted(set(EXCEPTIONS) - report.used):
        print("scripts/check-size.py: exception '%s' is no longer needed" %
              key)
        report.bad += 1
    return 1 if report.bad else 0


if __name__ == "__main__":
    sys.exit(main())
