# SPDX-License-Identifier: GPL-2.0-or-later
"""The tour that `make demo` shows: every kind of device at work."""
import http.server
import os
import threading

from case import case
from guest import Env, disk_args

FETCHED = "hello from the host"

SCRIPT = r"""
say() { echo "DEMO $*"; }
say "kernel: $(uname -srm), up after $(cut -d' ' -f1 /proc/uptime) s"
say "CPUs: $(nproc), $(sed -n 's/model name.*: //p' /proc/cpuinfo | head -n1)"
for d in /sys/bus/pci/devices/*; do
    say "PCI ${d##*/} $(cat $d/vendor):$(cat $d/device) class" \
        "$(cat $d/class)" \
        "$(basename "$(readlink $d/driver 2>/dev/null)" 2>/dev/null)"
done
mke2fs -q /dev/vda || exit 1
mkdir -p /disk && mount -t ext2 /dev/vda /disk || exit 1
head -c 4194304 /dev/urandom > /disk/data
sum=$(md5sum < /disk/data)
umount /disk && echo 3 > /proc/sys/vm/drop_caches
mount -t ext2 -o ro /dev/vda /disk || exit 1
[ "$sum" = "$(md5sum < /disk/data)" ] || exit 1
say "disk: formatted, 4 MiB written and read back, md5 ${sum%% *}"
umount /disk
ip link set eth0 up
cat > /udhcpc.sh <<'X'
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
X
chmod 755 /udhcpc.sh
udhcpc -i eth0 -s /udhcpc.sh -q -n -t 5 >/dev/null 2>&1 || exit 1
say "network: $(ip -4 -o addr show eth0 | sed 's/.*inet //; s/ .*//') by DHCP"
say "network: fetched '$(wget -q -O - http://10.0.2.2:HTTP_PORT/)'"
say "entropy: $(cat /sys/class/misc/hw_random/rng_current)," \
    "$(head -c 8 /dev/hwrng | od -An -tx1)"
say "memory: $(sed -n 's/MemTotal: *//p' /proc/meminfo)"
n=0
until grep -q 'Power Button' /proc/bus/input/devices || [ $n -gt 50 ]; do
    sleep 0.1; n=$((n + 1)); done
event=$(grep -A 5 'Power Button' /proc/bus/input/devices |
        sed -n 's/.*Handlers=.*\(event[0-9]*\).*/\1/p' | head -n 1)
exec 3< /dev/input/$event
echo WAITING
dd bs=24 count=1 <&3 >/dev/null 2>&1
say "power button pressed: powering off"
"""


class Hello(http.server.BaseHTTPRequestHandler):
    """Answers each request with one line."""

    def do_GET(self) -> None:           # pylint: disable=invalid-name
        self.send_response(200)
        self.end_headers()
        self.wfile.write(FETCHED.encode())

    def log_message(self, *unused: object) -> None:
        pass


@case()
def test_tour(env: Env) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script = SCRIPT.replace("HTTP_PORT", str(server.server_port))
    socket = os.path.join(env.folder, "console")
    args = disk_args(env.new_disk("disk.raw", 64)) + [
        "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0",
        "-object", "rng-random,id=rng0,filename=/dev/urandom",
        "-device", "virtio-rng-pci,rng=rng0",
        "-device", "virtio-balloon-pci,id=balloon0",
        "-device", "virtio-serial-pci",
        "-chardev", "socket,id=con0,path=%s,server=on,wait=off" % socket,
        "-device", "virtconsole,chardev=con0", "-no-reboot"]
    with env.guest(script=script, cpus=2, args=args) as guest:
        guest.expect("^WAITING$")
        actual = guest.qmp.cmd("query-balloon")["actual"]
        guest.qmp.cmd("balloon", value=actual // 2)
        guest.qmp.wait_event("BALLOON_CHANGE")
        balloon = "balloon: %d MiB asked of %d MiB" % (actual >> 21,
                                                       actual >> 20)
        guest.qmp.cmd("system_powerdown")
        text = guest.finish()
        for line in text.splitlines():
            if line.startswith("DEMO "):
                print(line[5:])
        print(balloon)
        if FETCHED not in text:
            raise guest.fail("nothing was fetched")
