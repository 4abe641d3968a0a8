#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the manual (manual/) and the man pages with Sphinx.

usage: build-docs.py SPHINX-BUILD DOCS OUTDIR VERSION GENERATED.rst...

The sources are copied to OUTDIR/source, with the generated files below
generated/, so that the tree itself stays as it is. Warnings are errors.
"""
import os
import shutil
import subprocess
import sys

MAN_PAGES = ["qemu-system-nemu.1", "nemu-img.1", "nemu-io.1"]


def sources(docs):
    for folder, _, names in os.walk(docs):
        for name in names:
            yield os.path.join(folder, name)


def main():
    sphinx, docs, out, version = sys.argv[1:5]
    source = os.path.join(out, "source")
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(docs, source)
    os.mkdir(os.path.join(source, "generated"))
    for path in sys.argv[5:]:
        shutil.copy(path, os.path.join(source, "generated"))
    with open(os.path.join(out, "manual.d"), "w", encoding="utf-8") as f:
        f.write("docs/%s: %s\n" % (MAN_PAGES[0], " ".join(sources(docs))))
    for builder, name in (("html", "manual"), ("man", "man")):
        subprocess.run([sphinx, "-q", "-W", "--keep-going", "-b", builder,
                        "-d", os.path.join(out, "doctrees"), source,
                        os.path.join(out, name)], check=True,
                       env=dict(os.environ, NEMU_VERSION=version))
    for page in MAN_PAGES:
        shutil.move(os.path.join(out, "man", page), os.path.join(out, page))


if __name__ == "__main__":
    main()
