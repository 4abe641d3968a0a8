# SPDX-License-Identifier: GPL-2.0-or-later
"""A stock Debian kernel boots, powers off, reboots and is reset."""
import re
from collections import Counter
from typing import Tuple

from case import case
from guest import Env, GuestError


@case(needs=["bzimage", "vmlinux", "guest"],
      params={"kernel": ["bzimage", "pvh"], "cpus": [1, 2, 4]})
def test_kernel(env: Env, kernel: str, cpus: int) -> None:
    with env.guest(kernel=kernel, cpus=cpus, args=["-no-reboot"]) as guest:
        up = guest.expect(r"^GUEST-UP (\S+) cpus (\d+)$")
        if up.group(2) != str(cpus):
            raise guest.fail("%s CPUs came up" % up.group(2))
        guest.finish()


@case(needs=["bzimage", "bare"])
def test_bare(env: Env) -> None:
    """Without any module: the kernel alone reaches init and powers off."""
    with env.guest(initrd=env.file("bare"), args=["-no-reboot"]) as guest:
        guest.expect(r"^BARE-INIT-OK \S+ cpus 01$")
        guest.wait()


@case()
def test_memory_above_4g(env: Env) -> None:
    script = "grep -q 'System RAM' /proc/iomem && cat /proc/meminfo | head -n1"
    with env.guest(script=script, memory_mib=5120,
                   args=["-no-reboot"]) as guest:
        text = guest.finish()
        kib = int(text.split("MemTotal:")[1].split()[0])
        if kib < 4800 << 10:
            raise GuestError("MemTotal is %d KiB" % kib)


@case()
def test_powerdown(env: Env) -> None:
    """system_powerdown reaches the guest as a power button event."""
    script = r"""
n=0
until grep -q 'Power Button' /proc/bus/input/devices || [ $n -gt 50 ]; do
    sleep 0.1; n=$((n + 1)); done
event=$(grep -A 5 'Power Button' /proc/bus/input/devices |
        sed -n 's/.*Handlers=.*\(event[0-9]*\).*/\1/p' | head -n 1)
exec 3< /dev/input/$event
echo WAITING
dd bs=24 count=1 <&3 >/dev/null
echo BUTTON
"""
    with env.guest(script=script) as guest:
        guest.expect("^WAITING$")
        guest.qmp.cmd("system_powerdown")
        guest.qmp.wait_event("POWERDOWN")
        guest.expect("^BUTTON$")
        guest.finish()


@case()
def test_reboot(env: Env) -> None:
    """The guest's own reboot starts it again in the same process."""
    with env.guest(script="exit 250") as guest:
        guest.qmp.cmd("query-status")   # or the event comes before us
        guest.expect("^GUEST-UP ")
        guest.expect("^GUEST-RC 250$")
        guest.expect("^GUEST-UP ")
        event = guest.qmp.wait_event("RESET")
        if not event["data"]["guest"]:
            raise guest.fail("RESET does not name the guest as its cause")


@case()
def test_no_reboot(env: Env) -> None:
    with env.guest(script="exit 250", args=["-no-reboot"]) as guest:
        guest.expect("^GUEST-RC 250$")
        guest.wait()


@case(params={"cpus": [1, 2]})
def test_system_reset(env: Env, cpus: int) -> None:
    with env.guest(script="echo IDLE; sleep 1000", cpus=cpus) as guest:
        for _ in range(2):
            guest.expect("^IDLE$")
            guest.qmp.cmd("system_reset")
            guest.qmp.wait_event("RESET")
        guest.expect("^IDLE$")


@case(machines=["virt"])
def test_rtc(env: Env) -> None:
    """An RTC that was asked for: Linux finds it and takes the date from it."""
    script = "modprobe rtc-cmos 2>/dev/null; cat /sys/class/rtc/rtc0/name " \
             "/sys/class/rtc/rtc0/date"
    args = ["-machine", "rtc=on", "-rtc", "base=2031-05-06T07:08:09",
            "-no-reboot"]
    with env.guest(script=script, args=args) as guest:
        guest.expect("^rtc_cmos ")
        guest.expect("^2031-05-06$")
        guest.finish()


def port_accesses(path: str) -> "Counter[Tuple[str, int]]":
    """How often each port was read ("0") and written ("1") in a trace."""
    with open(path, encoding="utf-8") as trace:
        return Counter((found.group(1), int(found.group(2), 16))
                       for found in re.finditer(
                           r"kvm_run_io .* out ([01]) port 0x([0-9a-f]+) ",
                           trace.read()))


@case(machines=["virt"], params={"cpus": [1, 2]})
def test_ports(env: Env, cpus: int) -> None:
    """What the tables tell the guest spares it the search for what is not.

    No RTC is probed (when a CPU is brought up, Linux writes to the RTC's
    ports without asking), no bus is scanned that no bridge leads to.
    """
    trace = env.path("ports.trace")
    args = ["-trace", "enable=kvm_run_io,file=" + trace, "-no-reboot",
            "-device", "pcie-root-port,id=r0,chassis=1",
            "-device", "virtio-rng-pci,bus=r0"]
    script = "modprobe rtc-cmos 2>/dev/null; ls /dev/rtc* 2>/dev/null && " \
             "exit 1; ls /dev/hwrng"
    with env.guest(script=script, cpus=cpus, args=args) as guest:
        guest.finish()
    used = port_accesses(trace)
    if not used["1", 0x3f8]:
        raise GuestError("the trace has no output to the serial port")
    if used["0", 0x71] or (cpus == 1 and used["1", 0x70]):
        raise GuestError("the RTC is probed: %s" % used)
    if used["1", 0xcf8] > 1000:
        raise GuestError("%d configuration accesses by ports" %
                         used["1", 0xcf8])


@case()
def test_stop_cont(env: Env) -> None:
    script = "for i in $(seq 1000); do echo TICK; sleep 0.1; done"
    with env.guest(script=script) as guest:
        guest.expect("^TICK$")
        for _ in range(3):
            guest.qmp.cmd("stop")
            guest.qmp.wait_event("STOP")
            if guest.qmp.cmd("query-status")["running"]:
                raise guest.fail("runs after stop")
            guest.qmp.cmd("cont")
            guest.qmp.wait_event("RESUME")
            guest.expect("^TICK$")
        guest.qmp.cmd("quit")
        guest.wait()
