# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of programs, with results as TAP.

A test is a function marked with @test, run in a directory of its own. It
fails with an exception; check() makes one from a condition.
"""
import os
import shutil
import sys
import tempfile
import traceback
from typing import Any, Callable, List

tests: List[Callable[[], None]] = []


class Skip(Exception):
    """The host lacks what the test needs."""


def test(function: Callable[[], None]) -> Callable[[], None]:
    tests.append(function)
    return function


def check(condition: Any, *text: Any) -> None:
    if not condition:
        raise AssertionError(" ".join(str(x) for x in text))


def main() -> int:
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, function in enumerate(tests, 1):
        name = function.__name__
        folder = tempfile.mkdtemp(prefix="nemu-test-")
        os.chdir(folder)
        try:
            function()
            print("ok %d %s" % (number, name))
        except Skip as reason:
            print("ok %d %s # SKIP %s" % (number, name, reason))
        except Exception:       # pylint: disable=broad-except
            print("not ok %d %s" % (number, name))
            traceback.print_exc(file=sys.stdout)
            failed += 1
        finally:
            os.chdir("/")
            shutil.rmtree(folder)
        sys.stdout.flush()
    return 1 if failed else 0
