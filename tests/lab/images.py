# SPDX-License-Identifier: GPL-2.0-or-later
"""The initramfs images and disks that the lab and its guests start from."""
import gzip
import os
import shutil
import subprocess
import tempfile
from typing import Iterable, List

from cache import Skip, cached, file_digest
from cpio import Archive
from debs import Kernel, fetch_kernel, run

HERE = os.path.dirname(os.path.abspath(__file__))
BUSYBOX = "/bin/busybox"

OUTER_MODULES = """
 virtio_pci virtio_net virtio_blk virtio_console 9p 9pnet_virtio overlay ext4
 crc32c_generic
 loop nbd tun tap macvtap bridge veth dummy vhost_net vhost_vsock
 vsock_loopback vhost_scsi kvm kvm_amd kvm_intel irqbypass vfio_pci
 vfio_iommu_type1 nvme
""".split()
GUEST_MODULES = """
 virtio_pci virtio_net virtio_blk virtio_console virtio_balloon virtio_rng
 virtio_mmio virtio_scsi button evdev vfat nls_ascii nls_cp437
""".split()
ROOT_PACKAGES = ("systemd", "systemd-sysv", "udev", "dbus", "iproute2",
                 "iperf3", "fio", "kmod", "pciutils")
# Fits the packages above twice over.
ROOT_MIB = 1024


def source(name: str) -> str:
    return os.path.join(HERE, name)


def need_busybox() -> str:
    """A busybox that needs no library."""
    path = shutil.which("busybox") or BUSYBOX
    if not os.path.exists(path):
        raise Skip("busybox is not installed (make deps)")
    with open(path, "rb") as program:
        if b"ld-linux" in program.read(4096):
            raise Skip("busybox is not static: install busybox-static")
    return path


def compile_static(name: str, flags: Iterable[str] = ()) -> str:
    """A C file of this folder as a static program; returns its path."""
    flags = list(flags)

    def build(path: str) -> None:
        run(["gcc", "-O2", "-Wall", "-Werror", "-static", "-o", path,
             source(name)] + flags)
    return cached(os.path.splitext(name)[0], "",
                  [file_digest(source(name))] + flags, build)


def add_busybox(archive: Archive) -> None:
    path = need_busybox()
    archive.copy("bin/busybox", path, 0o755)
    # Links made here: `busybox --install` would need /proc in the guest.
    for applet in set(run([path, "--list"]).split()) - {"busybox"}:
        archive.link("bin/" + applet, "busybox")


def add_modules(archive: Archive, kernel: Kernel, names: List[str]) -> None:
    """Modules with what they need, and a modules.dep for just them."""
    with tempfile.TemporaryDirectory() as tree:
        base = os.path.join("lib", "modules", kernel.version)
        for name in kernel.module_files(names):
            target = os.path.join(tree, base, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(kernel.modules, name), target)
        run(["busybox", "depmod", "-b", tree, kernel.version])
        for folder, _, files in os.walk(tree):
            for name in sorted(files):
                path = os.path.join(folder, name)
                archive.copy(os.path.relpath(path, tree), path)


def start_archive(init: str) -> Archive:
    archive = Archive()
    for folder in ("bin", "proc", "sys", "dev", "tmp", "run", "etc", "root",
                   "mnt"):
        archive.folder(folder)
    archive.char_device("dev/console", 5, 1)
    archive.copy("init", init, 0o755)
    return archive


def write(path: str, data: bytes) -> None:
    with open(path, "wb") as out:
        out.write(data)


def outer(kernel: Kernel) -> str:
    """The initramfs of the outer machine."""
    agent = compile_static("agent.c")

    def build(path: str) -> None:
        archive = start_archive(source("outer-init"))
        for folder in ("newroot", "hostroot", "rw"):
            archive.folder(folder)
        add_busybox(archive)
        add_modules(archive, kernel, OUTER_MODULES)
        archive.copy("bin/agent", agent, 0o755)
        archive.copy("bin/outer-mount", source("outer-mount"), 0o755)
        write(path, gzip.compress(archive.bytes(), 1))
    return cached("outer", ".cpio.gz", [
        agent, kernel.tree, " ".join(OUTER_MODULES),
        file_digest(need_busybox()), file_digest(source("outer-init")),
        file_digest(source("outer-mount"))], build)


def guest(kernel: Kernel) -> str:
    """The initramfs of a tiny guest that runs a script (guest-init).

    Not compressed: unpacking costs more than reading in a nested guest.
    """
    def build(path: str) -> None:
        archive = start_archive(source("guest-init"))
        add_busybox(archive)
        add_modules(archive, kernel, GUEST_MODULES)
        write(path, archive.bytes())
    return cached("guest", ".cpio", [
        kernel.tree, " ".join(GUEST_MODULES), file_digest(need_busybox()),
        file_digest(source("guest-init"))], build)


def bare() -> str:
    """An initramfs of 10 KiB whose init reports the time and powers off."""
    program = compile_static("bare-init.c", ["-nostdlib", "-ffreestanding",
                                             "-fno-stack-protector",
                                             "-mgeneral-regs-only"])

    def build(path: str) -> None:
        archive = Archive()
        archive.char_device("dev/console", 5, 1)
        archive.copy("init", program, 0o755)
        write(path, archive.bytes())
    return cached("bare", ".cpio", [program], build)


def debootstrap(tree: str, kernel: Kernel) -> None:
    """Debian with systemd in a folder. Needs root."""
    command = ["debootstrap", "--variant=minbase",
               "--include=" + ",".join(ROOT_PACKAGES), "bookworm", tree]
    mirror = os.environ.get("NEMU_DEBIAN_MIRROR")
    run(command + ([mirror] if mirror else []))
    shutil.copytree(kernel.modules,
                    os.path.join(tree, "lib/modules", kernel.version),
                    symlinks=True)
    run(["chroot", tree, "depmod", kernel.version])
    script = source("root-setup")
    shutil.copy(script, os.path.join(tree, "root-setup"))
    run(["chroot", tree, "/bin/sh", "/root-setup"])
    os.unlink(os.path.join(tree, "root-setup"))


def root_disk() -> str:
    """An ext4 image with Debian and systemd, run by the cloud kernel."""
    kernel = fetch_kernel("cloud-amd64")

    def build(path: str) -> None:
        if os.geteuid() != 0:
            raise Skip("making the root disk by debootstrap needs root")
        tree = path + ".tree"
        try:
            debootstrap(tree, kernel)
            run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", tree, path,
                 "%dM" % ROOT_MIB])
        finally:
            subprocess.run(["rm", "-rf", "--one-file-system", tree],
                           check=False)
    return cached("root", ".ext4", [
        kernel.tree, " ".join(ROOT_PACKAGES), str(ROOT_MIB),
        file_digest(source("root-setup"))], build)


def scratch_disk(size_mib: int = 256) -> str:
    """A sparse file of zeros."""
    def build(path: str) -> None:
        with open(path, "wb") as out:
            out.truncate(size_mib << 20)
    return cached("scratch", ".raw", [str(size_mib)], build)
