#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Form of C sources: width, white space, comments, what devices may not call.
And tables of the manual, which only some builds make."""
import os
import re
import subprocess
import sys

WIDTH = 100     # 80 is the aim; rows of tables and macros may be wider
NO_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
                     re.S)
MACRO_ROW = re.compile(r"#define \w+\([^)]*\)\s+\w+\(.*\)$")

# (where, what, why): looked for in code, without comments and strings
CODE_RULES = (
    (r"", r"//", "comments are /* */"),
    (r"", r"\bDPRINTF\b", "use trace events"),
    (r"(hw|net|block|chardev|io|backends|migration|monitor|accel|target)/",
     r"(?<![\w.>])(exit|_exit|abort|assert)\s*\(",
     "only main() ends the process; use errors, or g_assert() for what no "
     "input can cause"),
    (r"(hw|accel|target)/(?!.*-help\.c)",
     r"(?<![\w.>])(printf|puts)\s*\(", "use trace events or the log"),
)
# These macros evaluate an argument more than once: a call in it runs twice,
# and what it reads may have changed in between. BIT() and the like are fine.
TWICE = re.compile(r"(?<!define )\b(MAX|MIN|CLAMP|ABS|ROUND_UP|ROUND_DOWN|"
                   r"DIV_ROUND_UP|IS_ALIGNED|IS_POWER_OF_2)\(")
EFFECT = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)|<<=|>>=|\]\s*\(|"
                    r"\(\*[^()]*\)\s*\(|\b\w+\s*\(|\bvolatile\b")
PURE = re.compile(r"(sizeof|offsetof|__alignof__|[A-Z][A-Z0-9_]*)\s*\(")
BORDER = re.compile(r" *=+(?: +=+)+")
# (file, what the rule found): reason
EXCEPTIONS = {
    ("hw/core/machine.c", "printf"): "-machine help",
    ("target/i386/model-types.c", "printf"): "-cpu help",
    ("target/arm/model.c", "printf"): "-cpu help",
}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def twice(code):
    """(macro, offset, what of its arguments must not run twice)"""
    for macro in TWICE.finditer(code):
        end = macro.end()
        depth = 1
        while depth and end < len(code):
            depth += {"(": 1, ")": -1}.get(code[end], 0)
            end += 1
        for effect in EFFECT.finditer(code, macro.end(), end - 1):
            if not PURE.fullmatch(effect[0]):
                yield macro[1], macro.start(), effect[0].strip()


def problems(path, text):
    """(line, what is wrong) for each violation in @text."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield number, "tab"
        if line != line.rstrip():
            yield number, "white space at the end"
        if len(line) > WIDTH and not MACRO_ROW.match(line):
            yield number, "%d columns, at most %d" % (len(line), WIDTH)
        if re.search(r"\b(TODO|FIXME)\b(?!.*#\d)", line):
            yield number, "TODO without the number of an issue"
    code = NO_CODE.sub(blank, text)
    for where, what, why in CODE_RULES:
        if not re.match(where, path):
            continue
        for match in re.finditer(what, code):
            if (path, match[0].rstrip(" (")) not in EXCEPTIONS:
                yield code.count("\n", 0, match.start()) + 1, \
                    "'%s': %s" % (match[0].strip(), why)
    for macro, offset, effect in twice(code):
        yield code.count("\n", 0, offset) + 1, \
            "'%s' in %s(): may be evaluated twice" % (effect, macro)


def table_problems(_path, text):
    """(line, what is wrong) in simple tables, for which Sphinx gives up."""
    gaps = []
    after_border = False
    for number, line in enumerate(text.split("\n"), 1):
        border = BORDER.fullmatch(line)
        if border:
            gaps = [m.span() for m in re.finditer("(?<==) +", line)]
        elif not line.strip():
            gaps = [] if after_border else gaps
        elif any(line[start:end].strip() for start, end in gaps):
            yield number, "text between the columns of a table"
        after_border = border


def main():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.rst"],
                            check=True, stdout=subprocess.PIPE
                            ).stdout.decode().split("\n")
    bad = 0
    for path in filter(os.path.isfile, listed):
        judge = table_problems if path.endswith(".rst") else problems
        with open(path, encoding="utf-8") as source:
            for number, what in judge(path, source.read()):
                print("%s:%d: %s" % (path, number, what))
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
