#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile the QAPI schema; see scripts/qapi/__init__.py."""

import sys

from qapi.main import main

sys.exit(main(sys.argv[1:]))
