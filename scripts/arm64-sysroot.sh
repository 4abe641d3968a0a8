#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Unpack Debian's arm64 packages into a folder to compile against and to run
# arm64 programs from, on a machine of another kind.
#
#   scripts/arm64-sysroot.sh [--path] [--only] [PACKAGE...]
#
# Prints the folder and makes it when it is not there; --path only prints.
# --only leaves out what the packages depend on; one that stands for the
# newest kernel is replaced by that.
# Without PACKAGE: the development packages that deps.sh lists for a build.
# APT works in a state of its own with no package installed, so nothing of the
# machine's packages, architectures or lists changes, and root is not needed.
# The folder's name tells the packages and the suites they came from; it stands
# in $NEMU_SYSROOT_CACHE, else nemu-sysroot in $XDG_CACHE_HOME or ~/.cache.
set -eu

arch=arm64
scripts=$(cd "$(dirname "$0")" && pwd)
cache=${NEMU_SYSROOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nemu-sysroot}

die() { echo "arm64-sysroot.sh: $1" >&2; exit 1; }

mode=make
only=
if [ "${1-}" = --path ]; then mode=path; shift; fi
if [ "${1-}" = --only ]; then only=only; shift; fi
case ${1-} in -*) die "unknown option '$1': there are --path and --only" ;; esac
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # one word for each package
    set -- $("$scripts/deps.sh" --list build | grep -e '-dev$')
fi
for tool in apt-get dpkg-deb tar; do
    command -v $tool >/dev/null ||
        die "'$tool' not found: this needs Debian's package tools"
done

release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
hash=$(echo "v1 $release ${only:+only }$*" | sha256sum | cut -c1-16)
root=$cache/$arch-$hash
if [ $mode = path ] || [ -d "$root" ]; then
    echo "$root"
    exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/$arch.lock"
flock 9
if [ -d "$root" ]; then
    echo "$root"
    exit 0
fi
draft=$(mktemp -d "$cache/new-XXXXXX")
trap 'rm -rf "$draft"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$draft/apt/state/lists/partial" "$draft/apt/cache/archives/partial" \
    "$draft/root/usr"
: > "$draft/apt/status"
cat > "$draft/apt/apt.conf" <<CONF
APT::Architecture "$arch";
#clear APT::Architectures;
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "$draft/apt/state";
Dir::State::status "$draft/apt/status";
Dir::Cache "$draft/apt/cache";
Debug::NoLocking "true";
CONF
export APT_CONFIG="$draft/apt/apt.conf" DEBIAN_FRONTEND=noninteractive LC_ALL=C
echo "arm64-sysroot.sh: fetching $arch packages for: $*" >&2
apt-get update -q >"$draft/log" 2>&1 ||
    { tail -5 "$draft/log" >&2; die "apt-get update failed"; }
newest() {
    real=$(apt-cache depends "$1" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
    echo "${real:-$1}"
}
fetch() {
    if [ -z "$only" ]; then
        apt-get install -q -y --download-only "$@" </dev/null
        return
    fi
    cd "$draft/apt/cache/archives"
    for p; do
        apt-get download -q "$(newest "$p")"
    done
    cd - >/dev/null
}
fetch "$@" >"$draft/log" 2>&1 ||
    { tail -5 "$draft/log" >&2; die "the packages cannot be fetched"; }

# Merged as on an installed system, so one path leads to each library.
for d in bin sbin lib; do
    mkdir -p "$draft/root/usr/$d"
    ln -s "usr/$d" "$draft/root/$d"
done
for deb in "$draft"/apt/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$draft/root" --keep-directory-symlink --no-same-owner \
            --exclude='./usr/share/doc' --exclude='./usr/share/man' \
            --exclude='./usr/share/locale' --exclude='./dev' ||
        die "cannot unpack '$(basename "$deb")'"
done
# The linker follows an absolute link out of the sysroot: make them relative.
find "$draft/root" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m -s --relative-to="$(dirname "$link")" \
        "$draft/root$(readlink "$link")")" "$link"
done
mv "$draft/root" "$root"
echo "$root"
