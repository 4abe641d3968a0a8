# SPDX-License-Identifier: GPL-2.0-or-later
"""The tour that `make demo` shows: every kind of device at work.

A guest with two CPUs formats, fills and checks a virtio disk, gets an
address by DHCP, fetches a file over the network, reads entropy, gives memory
back, lists its PCI devices and is powered off by its power button.
"""
import shlex
import time

from case import case
from guest import Env, Guest, disk_args
from test_network import DHCP, ByteServer

FETCHED = 300000

SCRIPT = DHCP + r"""
say() { echo "DEMO $*"; }
say "kernel:   $(uname -srvm)"
model=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
[ "$model" ] || model=$(grep '^CPU' /proc/cpuinfo | head -n 5 | sed 's/.*: //' |
                        tr '\n' ' ' | sed 's/^/MIDR /')
say "cpus:     $(nproc), $model"
say "memory:   $(sed -n 's/MemTotal: *//p' /proc/meminfo)"
for d in /sys/bus/pci/devices/*; do
    driver=$(basename "$(readlink $d/driver)" 2>/dev/null)
    for v in $d/virtio*; do
        [ -e "$v/driver" ] && driver=$(basename "$(readlink $v/driver)")
    done
    say "pci:      $(basename $d) $(sed s/0x// $d/vendor):$(
        sed s/0x// $d/device) class $(sed s/0x// $d/class) ${driver:--}"
done
dd if=/dev/urandom of=/tmp/data bs=1M count=16 2>/dev/null
want=$(sha256sum < /tmp/data)
mke2fs /dev/vda >/dev/null 2>&1 && mount -t ext4 /dev/vda /mnt || exit 10
cp /tmp/data /mnt/data && sync && umount /mnt || exit 11
echo 3 > /proc/sys/vm/drop_caches
mount -t ext4 -o ro /dev/vda /mnt || exit 12
got=$(sha256sum < /mnt/data); umount /mnt
[ "$want" = "$got" ] || exit 13
say "disk:     $(($(cat /sys/block/vda/size) / 2048)) MiB formatted, 16 MiB" \
    "written and read back, sha256 $(echo $got | cut -c1-16) agrees"
say "network:  $(ip addr show eth0 | sed -n 's/.*inet \([^ ]*\).*/\1/p')" \
    "by DHCP, fetching http://10.0.2.2:@PORT@/"
wget -q -O /tmp/f http://10.0.2.2:@PORT@/ || exit 14
[ $(wc -c < /tmp/f) = @SIZE@ ] || exit 15
say "network:  $(wc -c < /tmp/f) bytes fetched from the host"
say "rng:      $(dd if=/dev/hwrng bs=16 count=1 2>/dev/null | hexdump -v -e \
    '1/1 "%02x"') from $(cat /sys/class/misc/hw_random/rng_current)"
echo 'say from a virtio console port' > /dev/hvc0
event=$(grep -A 5 'Power Button' /proc/bus/input/devices |
        sed -n 's/.*Handlers=.*\(event[0-9]*\).*/\1/p' | head -n 1)
exec 3< /dev/input/$event
echo READY
n=0
while [ $n -lt 30 ]; do
    echo "MEM $(sed -n 's/MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
    n=$((n + 1)); sleep 1
done & ticker=$!
dd bs=24 count=1 <&3 >/dev/null 2>&1
kill $ticker
say "button:   power button pressed, powering off at" \
    "$(cut -d' ' -f1 /proc/uptime) s"
"""


def show(text: str) -> None:
    print("demo: " + text, flush=True)


def balloon(guest: Guest) -> None:
    before = int(guest.expect(r"^MEM (\d+)$").group(1))
    guest.qmp.cmd("balloon", value=384 << 20)
    for _ in range(25):
        now = int(guest.expect(r"^MEM (\d+)$").group(1))
        if now <= before - (96 << 10):
            show("balloon:  guest memory went from %d to %d MiB" % (
                before >> 10, now >> 10))
            return
    raise guest.fail("the balloon took nothing: still %d KiB" % now)


@case()
def test_tour(env: Env) -> None:
    server = ByteServer(b"n" * FETCHED)
    console_log = env.path("hvc0.log")
    args = disk_args(env.new_disk("disk.raw", 64), iothread=True) + [
        "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0",
        "-object", "rng-random,id=r0,filename=/dev/urandom",
        "-device", "virtio-rng-pci,rng=r0",
        "-device", "virtio-balloon-pci",
        "-device", "virtio-serial-pci",
        "-chardev", "file,id=hvc0,path=" + console_log,
        "-device", "virtconsole,chardev=hvc0"]
    script = SCRIPT.replace("@PORT@", str(server.port)).replace(
        "@SIZE@", str(FETCHED))
    with env.guest(script=script, cpus=2, memory_mib=512,
                   args=args) as guest:
        show("command:  " + shlex.join(guest.command).replace(
            env.folder, "$D"))
        up = guest.expect(r"^GUEST-UP (\S+) cpus (\d+)$")
        show("boot:     init reached %.2f s after program start, %s s on the "
             "guest's own clock" % (time.monotonic() - guest.started,
                                    up.group(1)))
        while True:
            line = guest.expect(r"^(DEMO .*|READY|GUEST-RC \d+)$").group(1)
            if not line.startswith("DEMO "):
                break
            show(line[len("DEMO "):])
        if line != "READY":
            raise guest.fail("the guest's script ended early: " + line)
        balloon(guest)
        pressed = time.monotonic()
        guest.qmp.cmd("system_powerdown")
        show(guest.expect(r"^DEMO (.*)$").group(1))
        guest.finish()
        show("power:    process ended %.2f s after system_powerdown" % (
            time.monotonic() - pressed))
    with open(console_log, encoding="utf-8") as log:
        show("console:  " + log.read().strip())
