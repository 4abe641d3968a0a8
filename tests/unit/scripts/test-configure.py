#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""configure from a folder of its own, as users of QEMU call it."""
import os
import subprocess
import sys
import tempfile
import unittest

CONFIGURE = os.path.abspath(os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../../configure"))


def run(folder, *command):
    # Not as a part of the make that may have called us.
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(command, cwd=folder, env=env,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)


@unittest.skipUnless(os.uname().machine == "x86_64", "cross-compiles elsewhere")
class FolderTest(unittest.TestCase):
    def test_builds_where_it_is_called(self):
        with tempfile.TemporaryDirectory(prefix="nemu-test-") as folder:
            done = run(folder, CONFIGURE, "--without-default-features")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertTrue(os.path.exists(folder + "/build.ninja"))
            for goals, ninja in (([], "ninja all"), (["docs"], "ninja docs"),
                                 (["all", "install"],
                                  "ninja all\nninja install")):
                done = run(folder, "make", "-n", *goals)
                self.assertEqual(done.stdout.decode().strip(), ninja)

    def test_unknown_option(self):
        with tempfile.TemporaryDirectory(prefix="nemu-test-") as folder:
            done = run(folder, CONFIGURE, "--enable-nonsense")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"unknown feature 'nonsense'", done.stdout)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
