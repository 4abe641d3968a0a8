# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's libvirt, unchanged, drives the binary under test.

libvirtd is run by hand from unpacked packages; the outer machine is root and
nothing else uses it, so the account and service set-up of a real
installation is left out.
"""
import contextlib
import os
import re
import select
import subprocess
import time
from typing import Iterator

from case import case
from guest import APPEND, Env, GuestError, script_initrd

NEEDS = ["bzimage", "guest", "libvirt"]
LOG = "/run/libvirtd.log"
DOMAIN_LOG = "/var/log/libvirt/qemu/test.log"
# Errors that an outer machine without these services cannot but cause.
NOT_HERE = ("Unable to find 'dnsmasq' binary", "virGDBusGetSystemBus")
# What no session without polkit, system accounts and cgroups can have.
DAEMON_CONF = """
auth_unix_rw = "none"
auth_unix_ro = "none"
log_filters = "1:qemu.qemu_monitor 3:util.netlink"
log_outputs = "2:file:%s"
""" % LOG
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
remember_owner = 0
"""
DOMAIN = """
<domain type='kvm'>
  <name>test</name>
  <memory unit='MiB'>256</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='%(machine)s'>hvm</type>
    <kernel>%(kernel)s</kernel>
    <initrd>%(initrd)s</initrd>
    <cmdline>%(append)s guest.modules=all</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <on_reboot>restart</on_reboot>
  <devices>
    <emulator>%(binary)s</emulator>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='usb' model='none'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='%(disk)s'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='file'><source path='%(console)s'/><target port='0'/></serial>
    <console type='pty'><target type='virtio' port='1'/></console>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""
# Checks each device, then acts as a system does on the power button: ends.
SCRIPT = r"""
[ -b /dev/vda ] && [ -c /dev/hwrng ] && [ -c /dev/hvc0 ] &&
    [ -d /sys/class/net/eth0 ] && [ -d /sys/bus/virtio/drivers/virtio_balloon/virtio* ] ||
    { echo "A device is missing"; exit 9; }
while sleep 1; do echo HVC-TICK > /dev/hvc0; done &
event=$(grep -A 5 'Power Button' /proc/bus/input/devices |
        sed -n 's/.*Handlers=.*\(event[0-9]*\).*/\1/p' | head -n 1)
exec 3< /dev/input/$event
echo READY
dd bs=24 count=1 <&3 >/dev/null 2>&1
echo BUTTON
"""


def virsh(*words: str, timeout: float = 120) -> str:
    """Errors: GuestError with what virsh said."""
    done = subprocess.run(["virsh", "-q", "-c", "qemu:///system"] +
                          list(words), check=False, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print("virsh %s: %s" % (" ".join(words), done.stdout.strip()))
    if done.returncode:
        raise GuestError("virsh %s: %s\n%s" % (
            " ".join(words), done.stdout, daemon_log()[-3000:]))
    return done.stdout


def daemon_log() -> str:
    try:
        with open(LOG, encoding="utf-8", errors="replace") as log:
            return log.read()
    except OSError:
        return ""


@contextlib.contextmanager
def libvirtd() -> Iterator[None]:
    os.makedirs("/etc/libvirt", exist_ok=True)
    for name, text in (("libvirtd.conf", DAEMON_CONF),
                       ("qemu.conf", QEMU_CONF)):
        with open("/etc/libvirt/" + name, "w", encoding="utf-8") as out:
            out.write(text)
    # The packages would have made these accounts.
    with open("/etc/group", "a", encoding="utf-8") as group:
        group.write("libvirt:x:997:\nlibvirt-qemu:x:64055:\n")
    with open("/etc/passwd", "a", encoding="utf-8") as passwd:
        passwd.write("libvirt-qemu:x:64055:64055::/var/lib/libvirt:"
                     "/usr/sbin/nologin\n")
    with subprocess.Popen(["libvirtd"], stdin=subprocess.DEVNULL) as daemon:
        try:
            end = time.monotonic() + 120
            while not os.path.exists("/run/libvirt/libvirt-sock"):
                if daemon.poll() is not None or time.monotonic() > end:
                    raise GuestError("libvirtd did not start:\n" +
                                     daemon_log()[-3000:])
                time.sleep(0.2)
            yield
        finally:
            daemon.kill()


def check_log() -> None:
    """No error in the daemon's log, no complaint of the program's."""
    lines = daemon_log().splitlines()
    bad = [line for line in lines
           if re.search(r": error :|: warning : (qemuMonitor|virQEMUCaps)",
                        line)
           and not any(text in line for text in NOT_HERE)]
    if bad:
        raise GuestError("errors in libvirtd's log:\n" + "\n".join(bad[:20]))
    if not any("qemuMonitor" in line for line in lines):
        raise GuestError("libvirtd's log has no word of the monitor")
    if os.path.exists(DOMAIN_LOG):
        with open(DOMAIN_LOG, encoding="utf-8", errors="replace") as log:
            text = log.read()
        if re.search(r"qemu-system-\S+: (warning|error|cannot|vCPU)", text):
            raise GuestError("the program complains:\n" + text)


@case(needs=NEEDS, timeout=400, machines=["virt", "q35"])
def test_probe(env: Env) -> None:
    """domcapabilities probes the binary without an error in the log."""
    with libvirtd():
        text = virsh("domcapabilities", "--emulatorbin", env.binary,
                     "--machine", env.machine, "--virttype", "kvm")
        if "<domain>kvm</domain>" not in text:
            raise GuestError("no KVM domains:\n" + text)
        check_log()


def wait_console(path: str, word: str, count: int = 1) -> None:
    end = time.monotonic() + 180
    text = ""
    while time.monotonic() < end:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as log:
                text = log.read()
            if text.count(word) >= count:
                return
        time.sleep(0.3)
    raise GuestError("no '%s' on the console:\n%s\n%s" % (
        word, text[-2000:], daemon_log()[-2000:]))


def wait_state(state: str) -> None:
    end = time.monotonic() + 90
    while virsh("domstate", "test").strip() != state:
        if time.monotonic() > end:
            raise GuestError("the domain does not become '%s'" % state)
        time.sleep(0.5)


def check_console() -> None:
    """The virtio console carries the guest's words to its pty."""
    found = re.search(r"<console type='pty' tty='([^']+)'>",
                      virsh("dumpxml", "test"))
    if not found:
        raise GuestError("the domain has no pty for its console")
    fd = os.open(found.group(1), os.O_RDONLY | os.O_NOCTTY)
    try:
        text = b""
        while b"HVC-TICK" not in text:
            if not select.select([fd], [], [], 60)[0]:
                raise GuestError("nothing comes from hvc0: %r" % text)
            text += os.read(fd, 4096)
    finally:
        os.close(fd)


@case(needs=NEEDS, timeout=600, machines=["virt", "q35"])
def test_life(env: Env) -> None:
    """define, start, suspend, resume, reset, shutdown, start, destroy."""
    console = env.path("console.log")
    xml = env.path("test.xml")
    with open(xml, "w", encoding="utf-8") as out:
        out.write(DOMAIN % {
            "machine": env.machine, "binary": env.binary, "append": APPEND,
            "kernel": env.file("bzimage"), "console": console,
            "initrd": script_initrd(env, env.file("guest"), SCRIPT),
            "disk": env.new_disk("disk.raw", 16)})
    with libvirtd():
        virsh("define", xml)
        virsh("start", "test")
        wait_state("running")
        wait_console(console, "READY")
        check_console()
        virsh("suspend", "test")
        wait_state("paused")
        virsh("resume", "test")
        wait_state("running")
        virsh("dommemstat", "test")
        virsh("domblkstat", "test", "vda")
        virsh("reset", "test")
        wait_console(console, "READY", 2)
        virsh("shutdown", "test")
        wait_console(console, "BUTTON")
        wait_state("shut off")
        virsh("start", "test")
        wait_state("running")
        virsh("destroy", "test")
        wait_state("shut off")
        virsh("undefine", "test")
        check_log()
