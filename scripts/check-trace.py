#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Trace events: each is called, defined once, and its folder is built."""
import glob
import os
import re
import sys

import tracegen

BUILD_LIST = "trace/meson.build"
CALL = re.compile(r"\btrace_(?:event_enabled\()?([a-z0-9_]+?)\b")


def source_text():
    """All C sources, less build directories."""
    for top in sorted(os.listdir(".")):
        if top.startswith((".", "build")) or not os.path.isdir(top):
            continue
        for path in glob.glob(os.path.join(top, "**", "*.[ch]"),
                              recursive=True):
            with open(path, encoding="utf-8") as f:
                yield f.read()


def main():
    problems = []
    where = {}
    called = set()
    with open(BUILD_LIST, encoding="utf-8") as f:
        built = set(re.findall(r"^    '([a-z0-9/_-]+)',?$", f.read(), re.M))
    for text in source_text():
        called.update(CALL.findall(text))
    for path in sorted(glob.glob("**/trace-events", recursive=True)):
        folder = os.path.dirname(path)
        if folder not in built:
            problems.append("%s: folder is not in trace_event_dirs of %s" %
                            (path, BUILD_LIST))
        try:
            events = tracegen.read_events(path)
        except tracegen.TraceError as e:
            problems.append(str(e))
            continue
        for event in events:
            if event.name in where:
                problems.append("%s: event '%s' is in %s too" %
                                (path, event.name, where[event.name]))
            where[event.name] = path
            if event.name not in called:
                problems.append("%s: nothing calls trace_%s()" %
                                (path, event.name))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
