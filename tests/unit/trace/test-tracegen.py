#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/tracegen.py takes and refuses."""
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import tracegen  # noqa: E402

GOOD = [
    ('a(void) "x"', []),
    ('a() "x"', []),
    ('a_b2(int x, const char *s) "x %d %s"', ["x", "s"]),
    ('a(uint64_t addr) "at 0x%" PRIx64', ["addr"]),
    ('a(uint64_t addr) "0x%"PRIx64" end"', ["addr"]),
    ('a(void *p, unsigned long long v) "%p %llu"', ["p", "v"]),
    ('a(const char *s) "quote \\" %s"', ["s"]),
]
BAD = [
    'a', 'a(int x)', 'A(int x) "%d"', 'a(x) "%d"', 'a(int) "%d"',
    'a(int x) "%d\\n"', 'a(int x) fmt', 'a(int x) "%d", x',
    'a(int x) "%d" system("x")', '1a(int x) "%d"', 'a(int x "%d"',
    'a(' + ', '.join('int a%d' % i for i in range(13)) + ') "x"',
    'a(void) "x"\na(void) "y"',
]


def events_of(text):
    with tempfile.NamedTemporaryFile("w", delete=False) as f:
        f.write("# comment\n\n" + text + "\n")
    try:
        return tracegen.read_events(f.name)
    finally:
        os.unlink(f.name)


def main():
    number = 0
    print("1..%d" % (len(GOOD) + len(BAD) + 1))
    for text, args in GOOD:
        number += 1
        got = events_of(text)
        ok = len(got) == 1 and got[0].args == args
        print("%s %d %s" % ("ok" if ok else "not ok", number, text))
    for text in BAD:
        number += 1
        try:
            events_of(text)
            ok = False
        except tracegen.TraceError as e:
            ok = ":3: " in str(e) or ":4: " in str(e)
        print("%s %d refuses %s" % ("ok" if ok else "not ok", number,
                                    text.replace("\n", "; ")))
    header = tracegen.make_header("hw/pci-host", events_of(GOOD[2][0]))
    ok = ("TRACE_HW_PCI_HOST_H" in header and
          "STAP_PROBE2(nemu, a_b2, x, s)" in header)
    print("%s %d header" % ("ok" if ok else "not ok", number + 1))


main()
