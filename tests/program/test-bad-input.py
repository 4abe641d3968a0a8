#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a wrong command line gets: one line that names it and what is right,
exit status 1, nothing on standard output, nothing left behind."""
import fcntl
import gzip
import os
import struct
import subprocess

from program import (ARCH, BINARY, NAME, Program, Skip, check, kvm_works,
                     main, need, need_x86, run, test)

# Of every run; a failure has to take the socket and the PID file away.
ALWAYS = ["-nodefaults", "-chardev", "socket,id=c,path=c.sock,server=on,"
          "wait=off", "-qmp", "unix:q.sock,server=on,wait=off", "-pidfile",
          "pid"]
QTEST = ["-accel", "qtest"]


def refuse(args, *parts, accel=QTEST, **kw):
    """The program ends with one line that has all of @parts."""
    before = sorted(os.listdir("."))
    status, out, err = run([*ALWAYS, *accel, *args], **kw)
    lines = [x for x in err.splitlines() if ": warning: " not in x]
    check(status == 1, args, "exit status", status, err)
    check(out == "", args, "printed", repr(out))
    check(len(lines) == 1, args, "gave", len(lines), "lines:", err)
    check(lines[0].startswith(NAME + ": "), lines[0])
    for part in parts:
        check(part in lines[0], args, "should name", repr(part), "in",
              lines[0])
    left = sorted(os.listdir("."))
    check(left == before, args, "left", left, "there was", before)


def refuse_all(rows):
    wrong = []
    for line, *parts in rows:
        try:
            refuse(line.split(" ") if isinstance(line, str) else line, *parts)
        except AssertionError as error:
            wrong.append(str(error))
    check(not wrong, "\n".join(wrong))


def become_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def without_rights():
    """Arguments for run() that let it have no more than others have."""
    if os.getuid():
        return {}
    os.chmod(".", 0o777)
    try:
        subprocess.run([BINARY, "-version"], check=True,
                       stdout=subprocess.DEVNULL, preexec_fn=become_nobody)
    except (OSError, subprocess.CalledProcessError):
        raise Skip("another user cannot run the program where it is") from None
    return {"preexec_fn": become_nobody}


@test
def unknown_names_get_the_closest():
    need("CONFIG_SLIRP")
    refuse_all([
        ("-devcie virtio-rng-pci", "'-devcie'", "'-device'"),
        ("-zzzzzz", "'-zzzzzz'"),
        ("disk.img", "'disk.img'", "-drive file=FILE"),
        ("-device virtio-blk-pic", "'virtio-blk-pic'", "'virtio-blk-pci'"),
        ("-device virtio-rng-pci,max-byte=1", "virtio-rng-pci.max-byte",
         "'max-bytes'"),
        ("-device virtio-rng-pci,max-bytes=x", "max-bytes", "'x'"),
        ("-device virtio-rng-pci,rng=nix", "'nix'"),
        ("-device virtio-rng-pci,bus=pcie.7", "'pcie.7'"),
        ("-device virtio-rng-pci,addr=77", "addr", "77"),
        ("-device pcie-root-port,id=a -device pcie-root-port,id=a", "'a'"),
        ("-device virtio-rng-pci,id=1x", "id"),
        ("-device bus=pcie.0", "driver"),
        ("-machine vrit", "'vrit'", "'virt'"),
        ("-machine virt,mem-merg=off", "mem-merg", "'mem-merge'"),
        ("-machine virt,mem-merge=x", "mem-merge", "'x'"),
        ("-cpu hots", "'hots'", "'host'"),
        ("-cpu max,+sse5.2", "sse5.2"),
        ("-cpu max,vmxx=on", "vmxx"),
        ("-smp cpsu=2", "'cpsu'", "'cpus'"),
        ("-smp 0", "0"),
        ("-smp 3,sockets=2,cores=1", "3"),
        ("-smp many", "'many'"),
        ("-m 12Q", "'12Q'"),
        ("-m sise=1G", "'sise'", "'size'"),
        ("-m 1G,maxmem=1M", "maxmem"),
        ("-object rng-randm,id=r", "'rng-randm'", "'rng-random'"),
        ("-object rng-random,id=r,filenam=/x", "filenam", "'filename'"),
        ("-object rng-random", "'id'"),
        ("-object {\"qom-type\":\"rng-random\",\"id\":1}", "'id'"),
        ("-object {\"qom-type\":", "JSON"),
        ("-netdev usr,id=n", "'usr'", "'user'"),
        ("-netdev user", "'id'"),
        ("-netdev user,id=n,hostfw=tcp::1-:2", "hostfw", "'hostfwd'"),
        ("-netdev user,id=n,hostfwd=nonsense", "nonsense"),
        ("-nic user,mdoel=virtio-net-pci", "mdoel", "'model'"),
        ("-nic user,model=virtio-nte-pci", "'virtio-nte-pci'",
         "'virtio-net-pci'"),
        ("-nic user,mac=1:2", "1:2"),
        ("-chardev soket,id=x", "'soket'", "'socket'"),
        ("-chardev socket,id=x,path=p,sevrer=on", "sevrer", "'server'"),
        ("-serial stdoi", "'stdoi'", "'stdio'"),
        ("-serial chardev:nix", "'nix'"),
        ("-mon chardev=nix", "'nix'"),
        ("-monitor stdoi", "'stdoi'", "'stdio'"),
        ("-blockdev fiel,filename=x,node-name=n", "'fiel'", "'file'"),
        ("-blockdev file,filename=x,node-name=n,red-only=on", "red-only",
         "read-only"),
        ("-drive fiel=x", "'fiel'", "'file'"),
        ("-drive file=x,cache=nope", "'nope'", "none"),
        ("-rtc bsae=utc", "'bsae'", "'base'"),
        ("-rtc driftfix=slow", "'slow'", "'slew'"),
        ("-boot order=q", "'q'"),
        ("-action reboot=shutdwon", "'shutdwon'", "'shutdown'"),
        ("-action rebot=reset", "'rebot'", "'reboot'"),
        ("-msg timestmap=on", "timestmap", "'timestamp'"),
        ("-name gest=x", "'gest'", "'guest'"),
        ("-uuid 1-2-3", "'1-2-3'"),
        ("-d nonsense", "nonsense"),
        ("-d guest_error", "'guest_error'", "'guest_errors'"),
        ("-d unimp,trace:runstate_sett", "'runstate_sett'", "'runstate_set'"),
        ("-trace runstate_sett", "'runstate_sett'", "'runstate_set'"),
        ("-D /nonexistent/log", "/nonexistent/log"),
        ("-trace enable=,file=/nonexistent/t", "/nonexistent/t"),
        ("-overcommit mem-lokc=on", "'mem-lokc'", "'mem-lock'"),
        ("-run-with chrot=/", "'chrot'", "'chroot'"),
        ("-runas nobody.at.all", "'nobody.at.all'"),
        ("-add-fd fd=77,set=1", "77"),
        ("-add-fd fdd=77,set=1", "'fdd'", "'fd'"),
        ("-readconfig nix.cfg", "'nix.cfg'"),
        ("-set device.a.b=c", "'a'"),
        ("-set devcie.a.b=c", "'-devcie'", "'-device'"),
        ("-global virtio-rng-pci", "driver.property=value"),
        ("-fw_cfg nam=x", "'nam'", "'name'"),
        ("-fw_cfg name=opt/x", "'string'", "'file'"),
        ("-fw_cfg name=opt/x,file=nix", "'nix'"),
        (["-fw_cfg", "name=opt/%s,string=x" % ("x" * 60)], "too long"),
        ("-kernel", "'-kernel'"),
        ("-append x", "-kernel"),
        ("-initrd x", "-kernel"),
        ("-dtb x", "'x'"),
        ("-qmp unix:/nonexistent/s,server=on,wait=off", "/nonexistent/s"),
    ])


@test
def accelerators():
    for args, *parts in (
            (["-accel", "kmv"], "'kmv'", "'kvm'"),
            (["-machine", "accel=kmv"], "'kmv'", "'kvm'"),
            (["-accel", "kvm:qtest"], "'kvm:qtest'", "-machine accel="),
            (["-accel", "qtest,foo=1"], "foo"),
            (["-accel", "kvm,device=/nonexistent", "-accel", "tcg"],
             "/nonexistent"),
            (["-accel", "kvm,kernel-irqchp=on"], "'kernel-irqchip'"),
            (["-accel", "kvm,kernel-irqchip=no"], "'no'", "on"),
            (["-accel", "kvm", "-machine", "accel=kvm"], "-accel",
             "-machine accel="),
            (["-enable-kvm", "-accel", "qtest"], "-accel", "-enable-kvm")):
        refuse(args, *parts, accel=[])


@test
def each_accelerator_has_its_own_properties():
    """Those that come after the one that works are not looked at."""
    for args in (["-accel", "tcg,thread=multi", "-accel", "qtest"],
                 ["-accel", "kvm,device=/nonexistent,kernel-irqchip=split",
                  "-accel", "qtest"],
                 ["-accel", "qtest", "-accel", "kvm,nothing=of-this"],
                 ["-machine", "accel=tcg:qtest"],
                 ["-machine", "none", "-accel", "kvm,device=/nonexistent"]):
        with Program(["-nodefaults", "-S", *args]) as program:
            program.get("query-status")


@test
def kvm_that_cannot_be_used():
    refuse(["-accel", "kvm,device=/nonexistent"], "KVM is not there",
           "'/nonexistent'", "kvm_intel", accel=[])
    refuse(["-accel", "kvm,device=/dev/null"], "'/dev/null'",
           "is no KVM device", accel=[])
    with open("kvm", "wb"):
        pass
    os.chmod("kvm", 0)
    refuse(["-accel", "kvm,device=" + os.path.abspath("kvm")],
           "no permission", "group", accel=[], **without_rights())


@test
def left_out_on_purpose():
    need("CONFIG_SLIRP")
    display = "there is no graphical display"
    refuse_all([
        ("-M pc", "'pc'", "on purpose", "'virt'"),
        ("-M pc-i440fx-7.2", "'pc-i440fx-7.2'", "on purpose", "'virt'"),
        ("-M q35", "'q35'", "on purpose", "'virt'"),
        ("-M microvm", "'microvm'", "on purpose", "'virt'"),
        ("-M isapc", "'isapc'", "on purpose", "'virt'"),
        ("-device e1000", "'e1000'", "on purpose", "'virtio-net-pci'"),
        ("-device e1000e", "'e1000e'", "on purpose", "'virtio-net-pci'"),
        ("-device rtl8139", "'rtl8139'", "on purpose", "'virtio-net-pci'"),
        ("-device ide-hd,drive=x", "'ide-hd'", "on purpose",
         "'virtio-blk-pci'"),
        ("-device VGA", "'VGA'", "on purpose", "virtconsole"),
        ("-device qxl-vga", "'qxl-vga'", "on purpose", "virtconsole"),
        ("-device cirrus-vga", "'cirrus-vga'", "on purpose", "virtconsole"),
        ("-device AC97", "'AC97'", "on purpose"),
        ("-device qemu-xhci", "'qemu-xhci'", "on purpose"),
        ("-device usb-tablet", "'usb-tablet'", "on purpose"),
        ("-device virtio-scsi-pci", "'virtio-scsi-pci'", "this version has no",
         "'virtio-blk-pci'"),
        ("-device pcie-pci-bridge", "'pcie-pci-bridge'", "'pcie-root-port'"),
        ("-device vfio-pci,host=1", "'vfio-pci'", "this version has no"),
        ("-nic user,model=e1000", "'e1000'", "on purpose",
         "'virtio-net-pci'"),
        ("-vga std", "'std'", display, "virtconsole"),
        ("-vga virtio", "'virtio'", display, "virtconsole"),
        ("-display gtk", "'gtk'", display, "virtconsole"),
        ("-display sdl", "'sdl'", display, "virtconsole"),
        ("-vnc :1", "':1'", display, "virtconsole"),
        ("-spice port=1", "'-spice'", display, "virtconsole"),
        ("-hda x", "'-hda'", "no IDE", "if=virtio"),
        ("-hdc x", "'-hdc'", "no IDE", "if=virtio"),
        ("-cdrom x", "'-cdrom'", "no CD-ROM", "if=virtio"),
        ("-fda x", "'-fda'", "no floppy", "if=virtio"),
        ("-drive file=x,if=ide", "'ide'", "no IDE", "if=virtio"),
        ("-drive file=x,if=scsi", "'scsi'", "if=virtio"),
        ("-drive file=x,media=cdrom", "'cdrom'", "no CD-ROM"),
        ("-net user", "'user'", "-nic"),
        ("-netdev socket,id=n,listen=:1", "'socket'", "stream"),
        ("-nic bridge,br=br0", "'bridge'", "tap"),
        ("-chardev udp,id=u,port=1", "'udp'", "stream"),
        ("-chardev spicevmc,id=u,name=x", "'spicevmc'", "socket"),
        ("-serial vc", "'vc'", "stdio"),
        ("-chardev socket,id=u,path=p,telnet=on", "telnet=on", "socat"),
        ("-parallel stdio", "'stdio'", "-serial"),
        ("-usb", "'-usb'", "virtio"),
        ("-usbdevice tablet", "'-usbdevice'", "virtio"),
        ("-audiodev alsa,id=a", "'alsa'", "none"),
        ("-smbios type=9", "'9'", "file="),
        ("-mem-path /dev/shm", "'-mem-path'", "memory-backend-file"),
        ("-incoming defer", "'-incoming'", "migrated"),
        ("-loadvm x", "'-loadvm'", "snapshots"),
        ("-gdb tcp::1", "'-gdb'", "-trace"),
        ("--preconfig", "'-preconfig'", "-numa"),
        ("-icount 1", "'-icount'", "counted"),
        ("-no-kvm", "'-no-kvm'", "KVM only"),
        ("-overcommit cpu-pm=on", "cpu-pm", "halt_poll_ns"),
        ("-run-with async-teardown=on", "async-teardown"),
        ("-object filter-dump,id=f", "'filter-dump'", "tcpdump"),
        ("-blockdev vvfat,node-name=v", "'vvfat'", "mkfs.vfat"),
    ])
    for name in ("tcg", "xen", "hvf"):
        refuse(["-accel", name], "'%s'" % name, "on purpose", "'kvm'",
               accel=[])
        refuse(["-machine", "accel=" + name], "'%s'" % name, "on purpose",
               "'kvm'", accel=[])


@test
def enlightenments():
    need_x86()
    for name in ("hv-relaxed", "hv-spinlocks=0x1fff", "hv_vendor_id=x"):
        refuse(["-cpu", "max," + name], name.split("=")[0][3:],
               "not available")


# ---- Kernels ----

def bzimage(setup_sects=1, version=0x20c, xloadflags=1, init_size=1 << 20,
            pref=0x100000, size=4096):
    image = bytearray((setup_sects + 1) * 512) + b"\xf4" * size
    struct.pack_into("<B", image, 0x1f1, setup_sects)
    struct.pack_into("<I", image, 0x1f4, (size + 15) // 16)
    struct.pack_into("<H", image, 0x1fe, 0xaa55)
    struct.pack_into("<H", image, 0x200, 0x6aeb)
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, version)
    image[0x211] = 1
    struct.pack_into("<II", image, 0x22c, 0x7fffffff, 0x200000)
    image[0x234] = 1
    struct.pack_into("<HI", image, 0x236, xloadflags, 2047)
    struct.pack_into("<QI", image, 0x258, pref, init_size)
    return bytes(image)


def elf(phoff=64, phnum=1, phentsize=56, machine=62, filesz=16, memsz=16,
        paddr=0x100000, offset=120, tail=16):
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, paddr, phoff,
                                 0, 0, 64, phentsize, phnum, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, offset, paddr, paddr, filesz,
                          memsz, 4096)
    return header + segment + b"\xf4" * tail


def image(size=1 << 20, offset=0, flags=0, magic=b"ARM\x64"):
    """An arm64 Image: Linux Documentation/arch/arm64/booting.rst, 4."""
    header = struct.pack("<IIQQQ", 0x14000000, 0, offset, size, flags)
    return (header.ljust(56, b"\0") + magic).ljust(4096, b"\0")


def zboot(how, packed, size=None):
    """Linux drivers/firmware/efi/libstub/zboot-header.S"""
    header = struct.pack("<4s4sIIQ32sII", b"MZ", b"zimg", 64,
                         len(packed) if size is None else size, 0, how,
                         0x818223cd, 64)
    return header + packed


ARM_KERNELS = [
    ("empty", b"", "empty"),
    ("text", b"hello, I am no kernel" * 100, "neither an Image"),
    ("short", image()[:40], "truncated"),
    ("x86", bzimage(), "neither an Image"),
    ("zboot", zboot(b"xz22", b""), "'xz22'"),
    ("zboot-far", zboot(b"gzip", b"", size=1 << 30), "truncated"),
    ("elf", elf(machine=183), "neither an Image"),
    ("huge", image(size=1 << 40), "must be below"),
    ("far", image(offset=1 << 40), "must be below"),
    ("big-endian", image(flags=1), "big-endian"),
    ("packed", gzip.compress(image() + os.urandom(4096))[:-40],
     "damaged"),
    ("packed-text", gzip.compress(os.urandom(400)), "neither an Image"),
]
X86_KERNELS = [
    ("empty", b"", "empty"),
    ("text", b"hello, I am no kernel" * 100, "neither a Linux bzImage"),
    ("short", b"\x7fELF", "truncated"),
    ("old", bzimage(version=0x205), "2.05"),
    ("32bit", bzimage(xloadflags=0), "64-bit"),
    ("no-payload", bzimage(setup_sects=200)[:4096], "truncated"),
    ("huge", bzimage(init_size=0xf0000000), "not enough memory"),
    ("high", bzimage(pref=1 << 40), "0x10000000000"),
    ("elf-cut", elf(filesz=1 << 20, memsz=1 << 20), "truncated"),
    ("elf-arm", elf(machine=183), "183"),
    ("elf-headers", elf(phnum=65535), "65535"),
    ("elf-headers-off", elf(phoff=1 << 60), ""),
    ("elf-past", elf(offset=(1 << 64) - 8), ""),
    ("elf-high", elf(paddr=1 << 50), "0x4000000000000"),
    ("elf-wrap", elf(paddr=(1 << 64) - 4096, memsz=1 << 20), ""),
    ("elf-big", elf(memsz=1 << 40), ""),
]


@test
def kernels():
    refuse(["-kernel", "nix"], "'nix'", "No such file")
    os.mkdir("dir")
    refuse(["-kernel", "dir"], "'dir'", "regular file")
    for name, data, part in (X86_KERNELS if ARCH == "x86_64"
                             else ARM_KERNELS):
        with open(name, "wb") as f:
            f.write(data)
        refuse(["-kernel", name], "'%s'" % name, part)


@test
def kernel_with_too_little_memory():
    def make(size):
        return bzimage(init_size=size) if ARCH == "x86_64" else image(size)

    with open("k", "wb") as f:
        f.write(make(64 << 20))
    refuse(["-m", "32", "-kernel", "k"], "not enough memory", "'k'")
    with open("k", "wb") as f:
        f.write(make(1 << 20))
    with open("i", "wb") as f:
        f.truncate(48 << 20)
    refuse(["-m", "32", "-kernel", "k", "-initrd", "i"], "not enough memory",
           "'i'")
    refuse(["-m", "512", "-kernel", "k", "-initrd", "nix"], "'nix'")
    refuse(["-m", "512", "-kernel", "k", "-append", "x" * 3000], "3000",
           "2047")


@test
def firmware():
    need_x86()
    refuse(["-bios", "nix.bin"], "'nix.bin'", "No such file")
    with open("rom", "wb") as f:
        f.write(bytes(1000))
    refuse(["-bios", "rom"], "'rom'", "1000")
    os.mkdir("firmware")
    with open("firmware/fw.bin", "wb") as f:
        f.write(bytes(65536))
    with Program(["-S", "-nodefaults", *QTEST, "-L", "nowhere", "-L",
                  "firmware", "-bios", "fw.bin"]) as program:
        check(program.get("qom-get", {
            "path": "/machine", "property": "firmware"})
            == "firmware/fw.bin")


# ---- Disks ----

@test
def broken_qcow2():
    need("CONFIG_QCOW2")
    with open("odd", "wb") as f:
        f.write(b"QFI\xfb\0\0\0\3" + bytes(504))
    refuse(["-drive", "file=odd,if=virtio"], "file=odd", "cluster size")


@test
def disks():
    with open("disk", "wb") as f:
        f.truncate(1 << 20)
    with open("vm", "wb") as f:
        f.write(b"KDMV" + bytes(508))
    refuse(["-drive", "file=nix,if=virtio,format=raw"], "'nix'",
           "No such file")
    refuse(["-drive", "file=vm,if=virtio"], "'vm'", "vmdk", "format=raw")
    refuse(["-drive", "file=vm,if=virtio,format=vmdk"], "'vmdk'",
           "qemu-img convert")
    refuse(["-drive", "file=disk,format=raw,id=d", "-device",
            "virtio-blk-pci,drive=nix"], "'nix'")
    refuse(["-blockdev", "file,node-name=a,filename=disk", "-blockdev",
            "file,node-name=a,filename=disk"], "'a'")
    refuse(["-blockdev", "raw,node-name=a,file=nix"], "'nix'")


@test
def disk_in_use():
    with open("disk", "wb") as f:
        f.truncate(1 << 20)
    disk = ["-drive", "file=disk,if=virtio,format=raw"]
    with Program(["-S", "-nodefaults", *QTEST, *disk]) as program:
        refuse(disk, "[disk]", "lock", "Is another process using the image")
        program.get("query-block")
        with Program(["-S", "-nodefaults", *QTEST, "-drive",
                      "file=disk,if=virtio,format=raw,force-share=on,"
                      "readonly=on"]):
            pass
    with Program(["-S", "-nodefaults", *QTEST, *disk]):
        pass


@test
def files_without_permission():
    for name in ("disk", "kernel"):
        with open(name, "wb") as f:
            f.truncate(1 << 20)
        os.chmod(name, 0)
    user = without_rights()
    refuse(["-drive", "file=disk,if=virtio,format=raw"], "'disk'",
           "Permission denied", **user)
    refuse(["-kernel", "kernel"], "'kernel'", "Permission denied", **user)
    os.chmod("disk", 0o444)
    refuse(["-drive", "file=disk,if=virtio,format=raw"], "'disk'",
           "Permission denied", **user)


# ---- What exists already ----

@test
def pid_file_of_another_process():
    with open("other.pid", "w", encoding="utf-8") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        refuse(["-pidfile", "other.pid"], "'other.pid'", "lock",
               "Another process")
    check(os.path.exists("other.pid"))


@test
def daemon_that_fails():
    """The parent says so, with the child's error."""
    refuse(["-daemonize", "-device", "virtio-rng-pic"], "'virtio-rng-pci'")
    for option in ("-serial", "-monitor", "-qmp"):
        refuse(["-daemonize", option, "stdio"], option, "stdio", "-daemonize",
               "unix socket")


@test
def json_and_text_are_one():
    for row in (["-device", '{"driver":"virtio-rng-pci","max-byte":1}'],
                ["-blockdev", '{"driver":"fiel","node-name":"n"}'],
                ["-netdev", '{"type":"tpa","id":"n"}'],
                ["-object", '{"qom-type":"rng-randm","id":"n"}'],
                ["-smp", '{"cpsu":2}']):
        refuse(row, "did you mean")


@test
def kvm_errors_are_the_same():
    if not kvm_works():
        raise Skip("no /dev/kvm")
    refuse(["-cpu", "hots"], "'hots'", "'host'", accel=["-accel", "kvm"])
    refuse(["-device", "virtio-rng-pic"], "'virtio-rng-pci'",
           accel=["-accel", "kvm"])


if __name__ == "__main__":
    raise SystemExit(main())
