# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages, unpacked beside the system and never installed."""
import glob
import os
import re
import shutil
import subprocess
from typing import List, Optional

from cache import Skip, cache_dir, cached
from extract_vmlinux import extract

APT_ENV = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")


def run(command: List[str], cwd: Optional[str] = None) -> str:
    """Standard output of a command. Errors: Skip with its last words."""
    try:
        done = subprocess.run(command, cwd=cwd, env=APT_ENV, check=False,
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise Skip("'%s' is not installed" % command[0]) from None
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Skip("%s failed: %s" % (" ".join(command[:3]), last))
    return done.stdout


def update_lists() -> None:
    """Fetch apt's lists; needed once on a fresh machine, and needs root."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run(sudo + ["apt-get", "update", "-q"], env=APT_ENV,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)


def download(package: str, folder: str) -> str:
    """Fetch a package into a folder; returns its path."""
    os.makedirs(folder, exist_ok=True)
    try:
        run(["apt-get", "download", "-q", package], cwd=folder)
    except Skip:
        update_lists()
        run(["apt-get", "download", "-q", package], cwd=folder)
    found = glob.glob(os.path.join(folder, package + "_*.deb"))
    if not found:
        raise Skip("apt-get download brought no %s" % package)
    return found[0]


def unpack_into(debs: List[str], folder: str) -> None:
    os.makedirs(folder, exist_ok=True)
    for path in debs:
        run(["dpkg-deb", "-x", path, folder])


def merge_usr(folder: str) -> None:
    """Move lib and the like below usr, where the system links them to: as a
    real folder in an upper layer it would hide the whole of the system's."""
    for name in ("bin", "sbin", "lib", "lib64"):
        old = os.path.join(folder, name)
        if os.path.isdir(old) and not os.path.islink(old):
            target = os.path.join(folder, "usr", name)
            os.makedirs(target, exist_ok=True)
            run(["cp", "-a", old + "/.", target])
            shutil.rmtree(old)


def fetch_tree(package: str) -> str:
    """Folder with one package unpacked, without what it depends on."""
    def build(path: str) -> None:
        folder = path + ".debs"
        try:
            unpack_into([download(package, folder)], path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return cached("pkg-" + package, "", [package], build)


def closure(packages: List[str]) -> List[str]:
    """What apt would install for some packages on this very machine."""
    command = ["apt-get", "install", "-s", "-q", "--no-install-recommends"]
    try:
        plan = run(command + packages)
    except Skip:
        update_lists()
        plan = run(command + packages)
    return sorted(set(re.findall(r"^Inst (\S+)", plan, re.MULTILINE)))


def fetch_closure(name: str, packages: List[str]) -> str:
    """Folder with packages and what this machine lacks for them."""
    names = closure(packages)

    def build(path: str) -> None:
        folder = path + ".debs"
        try:
            unpack_into([download(p, folder) for p in names], path)
            merge_usr(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return cached("tree-" + name, "", names + ["merged usr"], build)


class Kernel:
    """An unpacked linux-image package."""

    def __init__(self, tree: str) -> None:
        self.tree = tree
        self.version = os.listdir(os.path.join(tree, "lib", "modules"))[0]
        self.bzimage = os.path.join(tree, "boot", "vmlinuz-" + self.version)
        self.modules = os.path.join(tree, "lib", "modules", self.version)

    def vmlinux(self) -> str:
        """Path of the ELF kernel."""
        def build(path: str) -> None:
            with open(self.bzimage, "rb") as source:
                kernel = extract(source.read())
            with open(path, "wb") as out:
                out.write(kernel)
        return cached("vmlinux-" + self.version, "", [self.tree], build)

    def module_files(self, names: List[str]) -> List[str]:
        """The modules and what they need, relative to the module folder."""
        needed = {}
        with open(os.path.join(self.modules, "modules.dep"),
                  encoding="ascii") as table:
            for line in table:
                path, rest = line.split(":")
                name = os.path.basename(path).split(".")[0].replace("-", "_")
                needed[name] = [path] + rest.split()
        files = set()
        for name in names:
            files.update(needed.get(name.replace("-", "_"), []))
        prefix = "/lib/modules/%s/" % self.version
        return sorted(f[len(prefix):] if f.startswith(prefix) else f
                      for f in files)


def newest_package(flavour: str) -> str:
    """Name of the kernel package a linux-image meta package stands for."""
    meta = "linux-image-" + flavour
    for attempt in range(2):
        text = ""
        try:
            text = run(["apt-cache", "depends", meta])
        except Skip:
            if attempt:
                raise
        found = re.search(r"Depends: (linux-image-\S+)", text)
        if found:
            return found.group(1)
        update_lists()
    raise Skip("apt-cache knows no " + meta)


def fetch_kernel(flavour: str) -> Kernel:
    """Debian's kernel, flavour "amd64" or "cloud-amd64".

    Errors: Skip when it can be neither found in the cache nor fetched.
    """
    try:
        package = newest_package(flavour)
        tree = fetch_tree(package)
    except Skip:
        old = sorted(glob.glob(os.path.join(
            cache_dir(), "pkg-linux-image-[0-9]*[0-9]-%s-*" % flavour)))
        if not old:
            raise
        tree = old[-1]
    kernel = Kernel(tree)
    if not os.path.exists(os.path.join(kernel.modules, "modules.dep")):
        run(["busybox", "depmod", "-b", tree, kernel.version])
    return kernel


