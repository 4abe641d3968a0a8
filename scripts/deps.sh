#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Install the Debian packages that NEMU needs: the one list of them.
#
#   scripts/deps.sh [--check|--list] [GROUP...]
#
# Groups: build (compile), test (make check), lab (make demo, check-lab,
# bench), fuzz (check-fuzz), style (check-style), docs, arm (check-arm: the
# libraries come by arm64-sysroot.sh); default: build test.
# Only what is missing is installed, with sudo when not root. --check installs
# nothing and fails when something is missing; --list prints the names.
set -eu

group_packages() {
    case $1 in
    build) echo "make gcc libc6-dev meson ninja-build pkg-config python3
                 libglib2.0-dev libjson-c-dev liburcu-dev libslirp-dev
                 libseccomp-dev liburing-dev libaio-dev libgnutls28-dev
                 zlib1g-dev libdeflate-dev libzstd-dev libfdt-dev
                 systemtap-sdt-dev" ;;
    # what tests look for, and skip without: compilers of tables, peers
    test)  echo "git acpica-tools dmidecode nbdkit gnutls-bin qemu-utils
                 cryptsetup-bin device-tree-compiler" ;;
    # qemu-system-x86 runs the outer machine and is what bench compares with
    lab)   echo "qemu-system-x86 busybox-static debootstrap e2fsprogs
                 libc6-dev gcc zstd iperf3 acpica-tools kmod
                 qemu-utils nbdkit" ;;
    fuzz)  echo "clang libclang-rt-dev" ;;
    style) echo "git" ;;
    docs)  echo "python3-sphinx" ;;
    arm)   echo "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
                 device-tree-compiler qemu-system-arm busybox-static
                 e2fsprogs dosfstools mtools acpica-tools kmod" ;;
    *) echo "deps.sh: unknown group '$1': build, test, lab, fuzz, style," \
            "docs or arm" >&2; exit 2 ;;
    esac
}

installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null |
        grep -q '^install ok installed'
}

missing_packages() {
    for p in $wanted; do
        installed "$p" || echo "$p"
    done
}

mode=install
case ${1-} in
--check|--list) mode=${1#--}; shift ;;
esac
[ $# -gt 0 ] || set -- build test
wanted=
for g; do
    names=$(group_packages "$g")
    wanted="$wanted $names"
done

if [ $mode = list ]; then
    # shellcheck disable=SC2086 # one name a line
    printf '%s\n' $wanted | sort -u
    exit 0
fi
if ! command -v dpkg-query >/dev/null; then
    echo "deps.sh: not a Debian system; make sure these are here:" $wanted >&2
    exit 0
fi
missing=$(missing_packages | sort -u | tr '\n' ' ')
[ -n "$missing" ] || exit 0
if [ $mode = check ]; then
    echo "deps.sh: missing packages: $missing(make deps installs them)" >&2
    exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps.sh: not root and no sudo; install by hand: $missing" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "deps.sh: installing for $*: $missing"
export DEBIAN_FRONTEND=noninteractive
# A fresh machine has no package lists, an old one stale lists: try both.
$sudo apt-get update -q || echo "deps.sh: apt-get update failed, going on" >&2
# shellcheck disable=SC2086 # a list of names
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends $missing </dev/null
