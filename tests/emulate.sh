#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# $NEMU_PROGRAM under user-mode emulation, for tests of another architecture.
# shellcheck disable=SC2086 # the emulator has arguments
exec $NEMU_EMULATOR "$NEMU_PROGRAM" "$@"
