# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx: the manual and the man page. scripts/build-docs.py runs it on a
copy of docs/ that has the generated parts in generated/."""
import os

project = "NEMU"
copyright = "the NEMU contributors"
version = release = os.environ.get("NEMU_VERSION", "")
master_doc = "index"
source_suffix = {".rst": "restructuredtext"}
exclude_patterns = ["generated"]
default_role = None
smartquotes = False
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {"page_width": "70em", "sidebar_width": "16em",
                      "description": "a hypervisor for cloud workloads"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False

man_pages = [("man/qemu-system-nemu", "qemu-system-nemu",
              "run a virtual machine with KVM", [], 1),
             ("man/nemu-img", "nemu-img", "make and change disk images", [], 1),
             ("man/nemu-io", "nemu-io", "read and write a disk image by "
              "commands", [], 1)]
man_make_section_directory = False
