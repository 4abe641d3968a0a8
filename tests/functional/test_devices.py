# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtio devices under a stock kernel's own drivers."""
import glob
import os
import re
import shutil
import subprocess
from typing import List

from case import SkipCase, case
from guest import (REFERENCE, Env, GuestError, disk_args, read_results,
                   result_disk)

# Kernel messages at warning level and above, without their time stamps.
WARNINGS = "dmesg -r | grep '^<[0-4]>' | sed 's/^<.>\\[[^]]*\\] //'"
RICH = ["-object", "rng-random,id=r0,filename=/dev/urandom",
        "-device", "virtio-rng-pci,rng=r0",
        "-device", "virtio-balloon-pci,id=balloon0",
        "-device", "virtio-serial-pci,id=vs0",
        "-chardev", "null,id=vc0", "-device", "virtconsole,chardev=vc0",
        "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0"]
# A device behind a root port, and a port with nothing behind it.
PORTS = ["-device", "pcie-root-port,id=rp0,chassis=1,slot=1",
         "-device", "pcie-root-port,id=rp1,chassis=2,slot=2",
         "-device", "virtio-rng-pci,rng=r0,bus=rp0"]


@case()
def test_rng(env: Env) -> None:
    script = """
grep -q virtio /sys/class/misc/hw_random/rng_available || exit 1
dd if=/dev/hwrng bs=64 count=16 2>/dev/null | wc -c | grep -qx 1024
"""
    with env.guest(script=script, args=RICH + ["-no-reboot"]) as guest:
        guest.finish()


@case()
def test_numa(env: Env) -> None:
    """The kernel sees nodes, their CPUs, memory and distances."""
    script = """
cd /sys/devices/system/node
for n in node*; do
    echo "NODE $n cpus $(cat $n/cpulist) distance $(cat $n/distance)"
    echo "MEM $n $(sed -n 's/.*MemTotal: *\\([0-9]*\\) kB/\\1/p' $n/meminfo)"
done
"""
    args = ["-object", "memory-backend-ram,id=m0,size=192M",
            "-object", "memory-backend-ram,id=m1,size=128M",
            "-numa", "node,nodeid=0,cpus=0-1,memdev=m0",
            "-numa", "node,nodeid=1,cpus=2-3,memdev=m1",
            "-numa", "dist,src=0,dst=1,val=21", "-no-reboot"]
    with env.guest(script=script, args=args, cpus=4,
                   memory_mib=320) as guest:
        guest.expect("^NODE node0 cpus 0-1 distance 10 21")
        first = int(guest.expect(r"^MEM node0 (\d+)$").group(1))
        guest.expect("^NODE node1 cpus 2-3 distance 21 10")
        second = int(guest.expect(r"^MEM node1 (\d+)$").group(1))
        guest.finish()
    # without what the kernel took at its start
    if not 128 << 10 < first <= 192 << 10 or not 64 << 10 < second <= 128 << 10:
        raise GuestError("nodes have %d and %d KiB" % (first, second))


@case()
def test_hmat(env: Env) -> None:
    """The kernel knows how fast a node's memory is, and its cache."""
    script = """
cd /sys/devices/system/node/node1
for f in access0/initiators/*_* memory_side_cache/index1/*; do
    echo "HMAT $f $(cat $f)"
done
ls -d access0/initiators/node*
"""
    values = "initiator=0,target=1,hierarchy=memory,data-type="
    args = ["-machine", "hmat=on",
            "-object", "memory-backend-ram,id=m0,size=192M",
            "-object", "memory-backend-ram,id=m1,size=128M",
            "-numa", "node,nodeid=0,cpus=0-1,memdev=m0",
            "-numa", "node,nodeid=1,memdev=m1,initiator=0",
            "-numa", "hmat-lb," + values + "access-latency,latency=70",
            "-numa", "hmat-lb," + values + "read-bandwidth,bandwidth=131064M",
            "-numa", "hmat-lb," + values + "write-bandwidth,bandwidth=500M",
            "-numa", "hmat-cache,node-id=1,size=16M,level=1,line=64,"
            "associativity=direct,policy=write-back", "-no-reboot"]
    with env.guest(script=script, args=args, cpus=2,
                   memory_mib=320) as guest:
        for line in ("access0/initiators/read_bandwidth 131064",
                     "access0/initiators/read_latency 70",
                     "access0/initiators/write_bandwidth 500",
                     "access0/initiators/write_latency 70",
                     "memory_side_cache/index1/line_size 64",
                     "memory_side_cache/index1/size 16777216"):
            guest.expect("^HMAT %s$" % line)
        guest.expect("^access0/initiators/node0$")
        guest.finish()


@case()
def test_balloon(env: Env) -> None:
    script = """
n=0; while [ $n -lt 100 ]; do
    echo "FREE $(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)"
    sleep 1; n=$((n + 1)); done
"""
    args = ["-device", "virtio-balloon-pci,id=balloon0", "-no-reboot"]
    with env.guest(script=script, args=args) as guest:
        before = int(guest.expect(r"^FREE (\d+)$").group(1))
        guest.qmp.cmd("balloon", value=192 << 20)
        guest.qmp.wait_event("BALLOON_CHANGE")
        for _ in range(30):
            now = int(guest.expect(r"^FREE (\d+)$").group(1))
            if now < before - (48 << 10):
                break
        else:
            raise guest.fail("MemTotal stays at %d KiB" % now)
        actual = guest.qmp.cmd("query-balloon")["actual"]
        if actual > 208 << 20:
            raise guest.fail("query-balloon says %d" % actual)


@case()
def test_virtconsole(env: Env) -> None:
    """A port carries data both ways, a console shows what is written."""
    log = env.path("console.log")
    script = """
echo from-console > /dev/hvc0
echo from-port > /dev/vport0p2
sleep 1
"""
    args = ["-device", "virtio-serial-pci",
            "-chardev", "file,id=c0,path=" + log,
            "-device", "virtconsole,chardev=c0,nr=1",
            "-chardev", "file,id=c1,path=" + env.path("port.log"),
            "-device", "virtserialport,chardev=c1,nr=2,name=test.port"]
    with env.guest(script=script, args=args + ["-no-reboot"]) as guest:
        guest.finish()
    for path, want in ((log, "from-console"),
                       (env.path("port.log"), "from-port")):
        with open(path, encoding="utf-8") as text:
            if want not in text.read():
                raise GuestError("%s has no '%s'" % (path, want))


def check_disk_script(device: str) -> str:
    return """
dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null
want=$(md5sum < /tmp/data)
dd if=/tmp/data of=%(dev)s bs=64k oflag=direct 2>/dev/null || exit 1
echo 3 > /proc/sys/vm/drop_caches
got=$(dd if=%(dev)s bs=4k count=2048 iflag=direct 2>/dev/null | md5sum)
[ "$want" = "$got" ] || exit 2
mke2fs %(dev)s >/dev/null 2>&1 && mount -t ext4 %(dev)s /mnt || exit 3
cp /tmp/data /mnt/data && sync && umount /mnt && mount -t ext4 %(dev)s /mnt
[ "$want" = "$(md5sum < /mnt/data)" ] || exit 4
umount /mnt
""" % {"dev": device}


@case(params={"thread": ["main", "iothread"],
              "aio": ["threads", "native", "io_uring"]},
      needs=["bzimage", "guest", "scratch"])
def test_disk(env: Env, thread: str, aio: str) -> None:
    args = disk_args(env.file("scratch"), iothread=thread == "iothread",
                     aio=aio, direct=True)
    with env.guest(script=check_disk_script("/dev/vda"), cpus=2,
                   args=args + ["-no-reboot"]) as guest:
        guest.finish()


@case()
def test_disk_readonly(env: Env) -> None:
    path = env.new_disk("ro.raw", 4)
    args = ["-drive", "if=none,id=d0,format=raw,readonly=on,file=" + path,
            "-device", "virtio-blk-pci,drive=d0", "-no-reboot"]
    script = "[ $(cat /sys/block/vda/ro) = 1 ] && ! dd if=/dev/zero " \
             "of=/dev/vda bs=512 count=1 2>/dev/null"
    with env.guest(script=script, args=args) as guest:
        guest.finish()


def dmesg_warnings(env: Env, **options: str) -> List[str]:
    args = RICH + disk_args(env.path("warn.raw")) + ["-no-reboot"] + PORTS
    script = "echo DMESG-START; %s; echo DMESG-END" % WARNINGS
    with env.guest(script=script, args=args, **options) as guest:
        text = guest.finish()
    part = text.split("DMESG-START\n")[1].split("DMESG-END")[0]
    return part.splitlines()


@case(timeout=400)
def test_dmesg_like_q35(env: Env) -> None:
    """No warning about ACPI, PCI or virtio that QEMU's q35 has not."""
    env.new_disk("warn.raw", 4)
    ours = dmesg_warnings(env)
    if not shutil.which(REFERENCE):
        raise SkipCase(REFERENCE + " is not installed")
    theirs = dmesg_warnings(env, binary=REFERENCE, machine="q35")
    words = ("acpi", "pci", "virtio", "ged", "msi", "mcfg", "ecam")
    new = [line for line in ours if line not in theirs and
           any(word in line.lower() for word in words)]
    if new:
        raise GuestError("only here:\n%s\non q35:\n%s" % (
            "\n".join(new), "\n".join(theirs)))


def iasl(folder: str, *arguments: str) -> None:
    """Run iasl; any error or warning of its is one of ours."""
    done = subprocess.run(["iasl"] + list(arguments), cwd=folder, check=False,
                          stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or re.search(
            r"\b[1-9]\d* (Error|Warning)s|^(Error|Warning)|Invalid|"
            r"incorrect checksum", done.stdout, re.MULTILINE):
        raise GuestError("iasl %s:\n%s" % (" ".join(arguments), done.stdout))


def recompile(path: str) -> None:
    """Disassemble a table and compile it again, with no word of trouble."""
    folder, name = os.path.split(path)
    iasl(folder, "-p", "out-" + name, "-d", name)
    iasl(folder, "-p", "again-" + name, "out-%s.dsl" % name)
    print("iasl: %s, %d bytes" % (name, os.path.getsize(path)))


@case(timeout=400)
def test_acpi_tables(env: Env) -> None:
    """iasl takes every table the guest sees apart and together again."""
    if not shutil.which("iasl"):
        raise SkipCase("iasl is not installed (acpica-tools)")
    script = "cd /sys/firmware/acpi/tables; tar c $(ls -p | grep -v /) " \
             "> /dev/vda; sync"
    with env.guest(script=script, args=RICH + result_disk(env) +
                   ["-no-reboot"]) as guest:
        guest.finish()
    tables = sorted(glob.glob(os.path.join(read_results(env), "*")))
    if not any(os.path.basename(t) == "DSDT" for t in tables):
        raise GuestError("no DSDT among %s" % tables)
    for path in tables:
        if os.path.basename(path) != "FACS":
            recompile(path)
