# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of the Arm lab: how NEMU starts, what the guest does and prints."""
from typing import List, NamedTuple, Sequence, Tuple

# Boots fastest, but knows no key on a GPIO.
DEFAULT_KERNEL = "cloud-arm64"
NEMU = "/bin/nemu -nodefaults -display none -serial stdio -no-user-config"
GUEST = "-accel kvm -cpu host -m 256"
DISK = "-drive if=none,id=d,format=raw,file=/tmp/disk " \
    "-device virtio-blk-pci,drive=d"
NET = "-netdev user,id=n -device virtio-net-pci,netdev=n,romfile="
MMIO_DEVICES = "-drive if=none,id=d,format=raw,file=/tmp/disk " \
    "-device virtio-blk-device,drive=d,iothread=t -netdev user,id=n " \
    "-device virtio-net-device,netdev=n -device virtio-rng-device"
# Debian's AAVMF, kept without the zeros that pad its files.
FLASH = "-drive if=pflash,format=raw,readonly=on,file=/tmp/code " \
    "-drive if=pflash,format=raw,file=/tmp/vars"
FIRMWARE_PACKAGE = "qemu-efi-aarch64"
FIRMWARE_FILES = {"code": "AAVMF_CODE.fd", "vars": "AAVMF_VARS.fd"}
FLASH_BYTES = 64 << 20
APPEND = "-append 'console=ttyAMA0 quiet panic=-1 guest.modules=%s'"

# What the guest does: each line that it prints is looked for.
CHECK_DEVICES = """
dd if=/dev/urandom of=/tmp/x bs=64k count=16 2>/dev/null
dd if=/tmp/x of=/dev/vda bs=64k 2>/dev/null; sync
echo 3 > /proc/sys/vm/drop_caches
dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /tmp/x && echo DISK-OK
ifconfig eth0 10.0.2.15 up && ping -c 2 -W 5 10.0.2.2 >/dev/null && echo NET-OK
dd if=/dev/hwrng bs=16 count=1 2>/dev/null | wc -c | grep -q 16 && echo RNG-OK
dmesg | grep -iE 'its|v2m|gic' | grep -iE 'fail|unable|error|warn'
date +%Y | grep -q '^20[2-9]' && echo CLOCK-OK
"""
CHECK_SMP = """
for c in 0 1 2 3; do
    taskset -c $c true && echo CPU-OK $c
done
"""
# Two busy CPUs on one of the host: each misses half.
CHECK_STEAL = """
dmesg | grep -q 'using stolen time PV' && echo PV-OK
for c in 0 1; do taskset -c $c timeout 4 sh -c 'while :; do :; done' & done
wait
[ "$(awk '/^cpu /{print $9}' /proc/stat)" -gt 100 ] && echo STEAL-OK
head -1 /proc/stat
"""
# What the CPU has by default on this host, and what was turned off.
CHECK_FEATURES = """
grep -m 1 Features /proc/cpuinfo
grep -q ' sve' /proc/cpuinfo && echo SVE-ON
grep -q ' paca' /proc/cpuinfo && echo PAUTH-ON
dmesg | grep -E 'perfevents|vector length'
"""
# The power button, as Linux knows it from the device tree.
CHECK_POWER = """
modprobe gpio_keys; modprobe evdev
while [ ! -e /dev/input/event0 ]; do sleep 0.2; done
exec 3</dev/input/event0               # events before this are not seen
echo READY-POWER
timeout 60 dd bs=24 count=1 <&3 2>/dev/null > /tmp/event
hexdump -v -e '12/2 "%04x " "\\n"' /tmp/event
hexdump -v -e '12/2 "%04x "' /tmp/event | grep -q '0001 0074 0001' &&
    echo KEY-OK
"""
# While the VM stands still its time does, too.
# The guest's time stands still while it is stopped, its clock does not; how
# long all of it takes on a busy host tells nothing.
CHECK_CONTROL = """
if [ "$(dd if=/dev/vda bs=5 count=1 2>/dev/null)" = again ]; then
    echo SECOND-BOOT
    exit 0
fi
printf again | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync
rtc=/sys/class/rtc/rtc0/since_epoch
a=$(cut -d. -f1 /proc/uptime); c=$(cat $rtc)
echo READY-STOP; sleep 3
b=$(cut -d. -f1 /proc/uptime); d=$(cat $rtc)
echo "TIME $((b - a)) CLOCK $((d - c))"
[ $((b - a)) -ge 3 ] && [ $((d - c - b + a)) -ge 5 ] && echo TIME-OK
echo READY-RESET; sleep 100
"""
CHECK_EFI = """
[ -d /sys/firmware/efi ] && echo EFI-OK
"""
CHECK_TREE = CHECK_EFI + """
[ -d /proc/device-tree/pcie@10000000 ] && ! [ -d /sys/firmware/acpi ] &&
    echo TREE-OK
"""
CHECK_ACPI = CHECK_EFI + """
[ -f /sys/firmware/acpi/tables/DSDT ] && ! [ -d /proc/device-tree/psci ] &&
    echo ACPI-OK
dmesg | grep -i acpi | grep -iE 'error|warn|bug'
"""
CHECK_VARIABLE = """
modprobe efivarfs
mount -t efivarfs none /sys/firmware/efi/efivars
v=/sys/firmware/efi/efivars/Nemu-3a5b1e1c-6f1d-4f0e-9d52-6b1f3c2d4e5f
if [ "$(tail -c 4 $v 2>/dev/null)" = kept ]; then
    echo VARIABLE-KEPT
else
    printf '\\007\\0\\0\\0kept' > $v && echo VARIABLE-WRITTEN
fi
"""
CHECK_NUMA = """
dmesg | grep -E 'SRAT|SLIT|NUMA|hmat'
cd /sys/devices/system/node
for n in node*; do
    echo "NODE $n cpus $(cat $n/cpulist) distance $(cat $n/distance)"
done
"""
# The system on a disk starts from its EFI partition; its /sbin/init is
# arm-disk-init, which tells slot and function that firmware found it in.
# A life: reset from outside, reboot, power button. The disk counts.
CHECK_LIFE = """
again() { printf '%s' "$1" | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync; }
case $(dd if=/dev/vda bs=1 count=1 2>/dev/null) in
b) ;;
a) again b; exit 250 ;;                 # makes guest-init reboot
*) again a; echo READY-RESET; sleep 100 ;;
esac
""" + CHECK_POWER
LIFE_STEPS = [("READY-RESET", ["system_reset"]),
              ("READY-POWER", ["system_powerdown"])]
# An SError that nobody expects.
CHECK_NMI = """
if [ "$(dd if=/dev/vda bs=5 count=1 2>/dev/null)" = again ]; then
    echo SECOND-BOOT
    exit 0
fi
printf again | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync
echo READY-NMI; sleep 100
"""


# While the machine is saved, reset and loaded: timers must come when they are
# due, on each CPU, and devices go on.
STATE = "-device state-testdev,period-ms=1000 -m 96 "
CHECK_STATE = """
for n in 1 2 3 4; do
    for c in 0 1; do taskset -c $c sleep 0.3; done
    [ "$(dd if=/dev/vda bs=64k count=16 2>/dev/null | wc -c)" = 1048576 ] &&
        echo READ-OK $n
done
echo 0 > /sys/devices/system/cpu/cpu1/online && sleep 2 &&
    echo 1 > /sys/devices/system/cpu/cpu1/online && taskset -c 1 true &&
    echo POWER-OK
a=$(cut -d. -f1 /proc/uptime); sleep 2; b=$(cut -d. -f1 /proc/uptime)
[ $((b - a)) -ge 2 ] && [ $((b - a)) -le 4 ] && echo TIME-OK
dmesg | grep -iE 'stall|lockup|hung|clocksource.*unstable|BUG|timed out'
""" + CHECK_DEVICES + "echo STATE-DONE\n"
STATE_EXPECT = ["state saved and loaded: time [3-9]", "READ-OK 4",
                "POWER-OK", "TIME-OK",
                "DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK", "STATE-DONE"]


class Case(NamedTuple):
    """One start of NEMU: its arguments, what the guest runs and prints."""
    name: str
    gic: int                            # of the outer machine
    args: str
    script: str
    expect: List[str]
    command: str = ""                   # instead of a guest's start
    # what the guest prints, and the monitor's commands that follow then, with
    # seconds to wait between them
    steps: Sequence[Tuple[str, Sequence]] = ()
    kernel: str = DEFAULT_KERNEL
    image: str = "Image"                # or Image.gz, zboot
    firmware: bool = False
    disk: bool = False                  # starts from /esp, not from a kernel
    arm32: bool = False                 # has /arm32, firmware of 32 bits
    starts: int = 1                     # with the same disk and flash


# As clients find out what the host has, without a machine.
PROBE = """printf '%s\n' '{"execute":"qmp_capabilities"}' \
    '{"execute":"query-kvm"}' '{"execute":"query-gic-capabilities"}' \
    '{"execute":"query-cpu-model-expansion","arguments":{"type":"full","model":{"name":"host"}}}' \
    '{"execute":"quit"}' | nemu -nodefaults -M none,accel=kvm:tcg -qmp stdio
"""

# Firmware of 32 bits, up to where it has found nothing to boot.
PROBE_32 = """
cat /arm32 > /tmp/code; truncate -s %d /tmp/code
rm -f /tmp/out; touch /tmp/out
nemu -nodefaults -display none -no-user-config -serial file:/tmp/out -M virt \\
    -accel kvm -cpu host,aarch64=off -m 256 -monitor none \\
    -drive if=pflash,format=raw,readonly=on,file=/tmp/code &
n=0
until grep -q starting /tmp/out || [ $n = 120 ]; do sleep 1; n=$((n + 1)); done
kill %%1; wait
cat /tmp/out
echo
""" % FLASH_BYTES

# What a guest with each way to start has to have.
DEVICES = DISK + " " + NET + " -device virtio-rng-pci"
DEVICES_EXPECT = ["DISK-OK", "NET-OK", "RNG-OK", "CLOCK-OK"]
WAYS = {
    "direct": ("", "", []),
    "acpi": ("", CHECK_ACPI, ["EFI-OK", "ACPI-OK"]),
    "tree": (",acpi=off", CHECK_TREE, ["EFI-OK", "TREE-OK"]),
}
MACHINE = {2: "-M virt,gic-version=2", 3: "-M virt"}
NUMA = "-smp 2 -object memory-backend-ram,id=m0,size=160M " \
    "-object memory-backend-ram,id=m1,size=96M " \
    "-numa node,cpus=0,memdev=m0 -numa node,cpus=1,memdev=m1 " \
    "-numa dist,src=0,dst=1,val=21"
NUMA_EXPECT = ["NODE node0 cpus 0 distance 10 21",
               "NODE node1 cpus 1 distance 21 10"]
# Linux reads the tables and then gives up nodes, on QEMU's machine as well:
# this AAVMF calls the flash of its variables memory, which has no node.
SRAT_EXPECT = [r"SRAT: Node 0 PXM 0 \[mem 0x40000000-0x49ffffff\]",
               r"SRAT: Node 1 PXM 1 \[mem 0x4a000000-0x4fffffff\]",
               "PXM 0 -> MPIDR 0x0", "PXM 1 -> MPIDR 0x1", "ACPI: SLIT"]
HMAT = "-machine hmat=on -numa hmat-lb,initiator=1,target=0,hierarchy=memory," \
    "data-type=read-latency,latency=33"
# Without nodes it does not read on.
HMAT_EXPECT = ["hmat: Memory Flags:0001 Processor Domain:0 Memory Domain:0"]
# Two disks that could be booted; io_uring, which an emulated test cannot try.
ESP = "-drive if=none,id=%s,format=raw,readonly=on,file=/esp,aio=%s " \
    "-device virtio-blk-pci,drive=%s,addr=%d%s"
TWO_DISKS = ESP % ("a", "threads", "a", 2, "") + " " + \
    ESP % ("b", "io_uring", "b", 3, ",bootindex=0")


def boots(gic: int) -> List[Case]:
    """One and four CPUs, each way to start, all devices."""
    cases = []
    for way, (option, check, expect) in WAYS.items():
        for cpus in (1, 4):
            cases.append(Case(
                "boot/gicv%d/%s/%d-cpu%s" % (gic, way, cpus,
                                             "s" if cpus > 1 else ""),
                gic, "%s%s -smp %d %s" % (MACHINE[gic], option, cpus, DEVICES),
                check + (CHECK_SMP if cpus > 1 else "") + CHECK_DEVICES,
                ["GUEST-UP .* cpus %d" % cpus] + expect + DEVICES_EXPECT +
                ["CPU-OK %d" % n for n in range(cpus) if cpus > 1],
                firmware=way != "direct"))
    return cases


def lives(gic: int) -> List[Case]:
    """system_reset, a reboot, system_powerdown."""
    return [Case("life/gicv%d/%s" % (gic, way), gic,
                 "%s%s -smp 2 %s" % (MACHINE[gic], option, DISK), CHECK_LIFE,
                 ["READY-RESET", "GUEST-RC 250", "KEY-OK"], steps=LIFE_STEPS,
                 firmware=way != "direct",
                 # the key of the device tree is a pin
                 kernel=DEFAULT_KERNEL if way == "acpi" else "arm64")
            for way, (option, _, _) in WAYS.items()]


CASES = [
    Case("probe/gicv3", 3, "", "", [
        '"enabled":true', '"version":3,[^}]*"kernel":true',
        '"version":2,[^}]*"kernel":false', '"kvm-steal-time":true',
        '"sve512":true', '"sve640":false', '"pauth":true',
        '"pmu":true'], PROBE),
    Case("probe/gicv2", 2, "", "", [
        '"version":2,[^}]*"kernel":true',
        '"version":3,[^}]*"kernel":false'], PROBE),
    *boots(3), *boots(2), *lives(3), *lives(2),
    Case("boot/gicv3/image-gz", 3, "-M virt", "", ["GUEST-UP .* cpus 1"],
         image="Image.gz"),
    Case("boot/gicv3/zboot", 3, "-M virt", "", ["GUEST-UP .* cpus 1"],
         image="zboot"),
    Case("boot/gicv3/mmio", 3, "-M virt -smp 2 -object iothread,id=t " +
         MMIO_DEVICES, CHECK_DEVICES, DEVICES_EXPECT),
    Case("boot/gicv2/mmio", 2, "-M virt,gic-version=2 -smp 2 -object "
         "iothread,id=t " + MMIO_DEVICES, CHECK_DEVICES, DEVICES_EXPECT),
    Case("boot/gicv3/numa", 3, "-M virt " + NUMA, CHECK_NUMA, NUMA_EXPECT),
    Case("boot/gicv3/numa-acpi", 3, "-M virt " + NUMA + " " + HMAT,
         CHECK_ACPI + CHECK_NUMA,
         ["ACPI-OK"] + SRAT_EXPECT + HMAT_EXPECT, firmware=True),
    Case("boot/gicv3/steal-time", 3, "-M virt -smp 2", CHECK_STEAL,
         ["PV-OK", "STEAL-OK"]),
    Case("disk/gicv3/acpi", 3, "-M virt -smp 4 " + TWO_DISKS, "",
         ["ROOT-UP cpus 4", "FOUND acpi", "BOOT-FROM 0003"], disk=True,
         firmware=True),
    Case("disk/gicv2/tree", 2, "-M virt,gic-version=2,acpi=off " +
         ESP % ("a", "threads", "a", 5, ""), "",
         ["ROOT-UP cpus 1", "FOUND tree", "BOOT-FROM 0005"], disk=True,
         firmware=True),
    Case("firmware/variable", 3, "-M virt", CHECK_VARIABLE,
         ["VARIABLE-WRITTEN", "VARIABLE-KEPT"], firmware=True, starts=2),
    Case("cpu/features", 3, "-M virt", CHECK_FEATURES,
         ["SVE-ON", "PAUTH-ON", "perfevents: enabled with armv8_pmuv3",
          "maximum available vector length 64 bytes"]),
    Case("cpu/features-less", 3, "-M virt -cpu "
         "host,pmu=off,pauth=off,sve256=on", CHECK_FEATURES,
         ["(?s)^(?!.*PAUTH-ON)(?!.*perfevents).*SVE-ON",
          "maximum available vector length 32 bytes"]),
    Case("cpu/features-refused", 3, "", "", [
        "cannot enable sve640: this host does not have it",
        "cannot enable sve128: SVE is off",
        "aarch64=off: -kernel takes arm64", "REFUSED 3"],
        "\n".join("nemu -M virt -accel kvm -display none -kernel /Image "
                  "-cpu host,%s; "
                  "n=$((n + $?))" % p for p in ("sve640=on",
                                                "sve=off,sve128=on",
                                                "aarch64=off")) +
        "\necho REFUSED $n\n"),
    Case("cpu/32-bit", 3, "", "", ["starting .*EFI Internal Shell"], PROBE_32,
         arm32=True),
    Case("control/stop-cont-reset", 3, "-M virt -smp 2 " + DISK,
         CHECK_CONTROL, ["VM status: paused", "TIME-OK", "SECOND-BOOT"],
         steps=[("READY-STOP", ["stop", 6, "info status", "cont"]),
                ("READY-RESET", ["system_reset"])]),
    Case("control/nmi", 3, "-M virt -smp 2 " + DISK, CHECK_NMI,
         ["Asynchronous SError Interrupt", "SECOND-BOOT"],
         steps=[("READY-NMI", ["nmi"])]),
    Case("state/gicv3", 3, "-M virt -smp 2 " + STATE + DEVICES, CHECK_STATE,
         STATE_EXPECT),
    Case("state/gicv3/mmio", 3, "-M virt -smp 2 -object iothread,id=t -cpu "
         "host,kvm-no-adjvtime=on " + STATE + MMIO_DEVICES, CHECK_STATE,
         STATE_EXPECT),
    Case("state/gicv2", 2, "-M virt,gic-version=2 -smp 2 " + STATE + DEVICES,
         CHECK_STATE, STATE_EXPECT),
]
