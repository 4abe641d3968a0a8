#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counting of scripts/test-summary.py: what is passed, failed, skipped."""
import contextlib
import importlib.util
import io
import os
import unittest
from collections import Counter

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
SPEC = importlib.util.spec_from_file_location(
    "test_summary", os.path.join(ROOT, "scripts", "test-summary.py"))
summary = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(summary)

CASES = [
    ("tap program", "OK", "1..2\nok 1 /a\nok 2 /b\n", "", (2, 0, 0)),
    ("tap skip", "OK", "ok 1 /a # SKIP no kvm\nok 2 /b\n", "", (1, 0, 1)),
    ("tap failure", "FAIL", "not ok 1 /a\nok 2 /b\n", "", (1, 1, 0)),
    ("indented subtest", "OK", "    ok 1 - inner\nok 1 - outer\n", "",
     (2, 0, 0)),
    ("died after one case", "ERROR", "ok 1 /a\n", "", (1, 1, 0)),
    ("timeout", "TIMEOUT", "", "", (0, 1, 0)),
    ("plain program", "OK", "hello\n", "", (1, 0, 0)),
    ("plain skip", "SKIP", "", "", (0, 0, 1)),
    ("expected failure", "EXPECTEDFAIL", "", "", (1, 0, 0)),
    ("no word of its own", "OK", "okay then\n", "", (1, 0, 0)),
]


class CountTest(unittest.TestCase):
    def test_table(self):
        for name, result, stdout, stderr, want in CASES:
            with self.subTest(name):
                got = summary.count_test({"result": result, "stdout": stdout,
                                          "stderr": stderr})
                self.assertEqual(
                    want, (got["passed"], got["failed"], got["skipped"]))

    def test_exit_status(self):
        for total, want in ((Counter(passed=1), 0), (Counter(), 1),
                            (Counter(skipped=3), 1),
                            (Counter(passed=2, failed=1), 1)):
            with self.subTest(str(total)):
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    self.assertEqual(want, summary.close(total))
                self.assertRegex(out.getvalue(),
                                 r"^\d+ passed, \d+ failed, \d+ skipped\n$")


if __name__ == "__main__":
    os.environ.pop("TEST_SUMMARY", None)
    unittest.main()
