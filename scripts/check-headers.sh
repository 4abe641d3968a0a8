#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each header compiles alone, after util/osdep.h which every source has first.
# Needs the generated headers: configures ${BUILD:-build} when it is not there.
set -eu
build=${BUILD:-build}
[ -f "$build/build.ninja" ] || ./configure --builddir="$build" >/dev/null

generated=$(ninja -C "$build" -t targets all |
            sed -n 's,^\(\(qapi\|trace\)/[^ ]*\.h\): .*,\1,p')
# shellcheck disable=SC2086 # a list of names
ninja -C "$build" $generated >/dev/null

flags="-std=gnu11 -fsyntax-only -Wall -Wextra -Wno-unused-parameter
       -Wno-unused-function -Wundef -Werror -D_GNU_SOURCE -DRCU_MB
       -DURCU_INLINE_SMALL_FUNCTIONS -I. -Iinclude -I$build
       $(pkg-config --cflags glib-2.0 json-c liburcu-mb)"
export flags

# Guest payloads are freestanding: their headers are no headers of the program.
# shellcheck disable=SC2016 # the inner shell expands
git ls-files '*.h' | grep -v '^tests/guest/' |
    xargs -n 1 -P "$(nproc)" sh -c '
        [ -f "$1" ] || exit 0
        printf "#include \"util/osdep.h\"\n#include \"%s\"\n" "$1" |
            ${CC:-cc} $flags -fmax-errors=3 -x c - 2>&1 ||
            { echo "$1:1: does not compile alone"; exit 1; }' sh
