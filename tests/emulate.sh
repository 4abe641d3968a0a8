#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The program under user-mode emulation, for tests of another architecture:
# meson's wrapper around $NEMU_PROGRAM.
# shellcheck disable=SC2086 # the wrapper has arguments
exec $MESON_EXE_WRAPPER "$NEMU_PROGRAM" "$@"
