# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks: user (libslirp), tap served by the process or by vhost."""
import contextlib
import socket
import subprocess
import threading
from typing import Iterator, List

from case import case
from guest import Env
from test_systemd import system

TAP_ADDRESS = "192.168.77.1"
GUEST_ADDRESS = "192.168.77.2"
DHCP = """
cat > /dhcp <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/24 dev $interface
ip route add default via $router
echo "DHCP $ip"
END
chmod +x /dhcp
ip link set eth0 up
udhcpc -q -n -i eth0 -s /dhcp >/dev/null 2>&1 || exit 1
ip addr show eth0 | grep -q 10.0.2.15 || exit 2
"""


class ByteServer:
    """Answers each connection with a fixed text."""

    def __init__(self, body: bytes, address: str = "127.0.0.1") -> None:
        self._body = body
        self._socket = socket.create_server((address, 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            conn, _ = self._socket.accept()
            with conn:
                conn.recv(4096)
                conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n"
                             % len(self._body) + self._body)


class ByteSink:
    """Takes all that connections send."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._socket = socket.create_server((address, 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            conn, _ = self._socket.accept()
            with conn:
                while conn.recv(1 << 20):
                    pass


@case()
def test_user_fetch(env: Env) -> None:
    """An address by DHCP, and a file from the host through the gateway."""
    server = ByteServer(b"nemu " * 40000)
    script = DHCP + "wget -q -O /tmp/f http://10.0.2.2:%d/ || exit 3\n" \
        "[ $(wc -c < /tmp/f) = 200000 ] || exit 4\n" % server.port
    args = ["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0",
            "-no-reboot"]
    with env.guest(script=script, args=args) as guest:
        guest.finish()


@case()
def test_user_hostfwd(env: Env) -> None:
    """A port of the host leads into the guest."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = DHCP + "echo LISTENING; echo hello-from-guest | nc -l -p 80\n"
    args = ["-netdev", "user,id=n0,hostfwd=tcp:127.0.0.1:%d-:80" % port,
            "-device", "virtio-net-pci,netdev=n0", "-no-reboot"]
    with env.guest(script=script, args=args) as guest:
        guest.expect("^LISTENING$")
        with socket.create_connection(("127.0.0.1", port), 30) as conn:
            conn.settimeout(30)
            if b"hello-from-guest" not in conn.recv(4096):
                raise guest.fail("nothing came through hostfwd")
        guest.finish()


@case()
def test_set_link(env: Env) -> None:
    script = """ip link set eth0 up
for i in $(seq 100); do echo "CARRIER $(cat /sys/class/net/eth0/carrier)"
sleep 0.5; done"""
    args = ["-netdev", "user,id=n0",
            "-device", "virtio-net-pci,netdev=n0,id=net0"]
    with env.guest(script=script, args=args) as guest:
        for up in (1, 0, 1):
            guest.qmp.cmd("set_link", name="net0", up=bool(up))
            guest.expect("^CARRIER %d$" % up)


@contextlib.contextmanager
def tap(name: str, address: str = TAP_ADDRESS,
        flags: str = "") -> Iterator[None]:
    for command in ("ip tuntap add dev %s mode tap vnet_hdr %s" % (name, flags),
                    "ip addr add %s/24 dev %s" % (address, name),
                    "ip link set %s up" % name):
        subprocess.run(command.split(), check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "del", name], check=False)


@contextlib.contextmanager
def iperf_server() -> Iterator[None]:
    with subprocess.Popen(["iperf3", "-s"], stdout=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


def network_args(kind: str, device: str = "tap7") -> List[str]:
    if kind == "user":
        backend = "user,id=n0"
    else:
        vhost = "on" if kind == "vhost" else "off"
        backend = "tap,id=n0,ifname=%s,script=no,downscript=no,vhost=%s" % (
            device, vhost)
    return ["-netdev", backend, "-device", "virtio-net-pci,netdev=n0"]


@case(needs=["bzimage", "vmlinux", "guest", "root"], timeout=500,
      params={"kind": ["user", "tap", "vhost"]})
def test_iperf3(env: Env, kind: str) -> None:
    """iperf3 moves data both ways between the guest and its host."""
    with contextlib.ExitStack() as stack:
        host = "10.0.2.2"
        if kind != "user":
            stack.enter_context(tap("tap7"))
            host = TAP_ADDRESS
        stack.enter_context(iperf_server())
        guest = stack.enter_context(system(env, args=network_args(kind)))
        if kind == "user":
            guest.shell("networkctl reconfigure $(basename /sys/class/net/e*);"
                        " /lib/systemd/systemd-networkd-wait-online "
                        "--timeout=60")
        else:
            guest.shell("systemctl stop systemd-networkd.socket systemd-networkd; "
                        "d=$(basename /sys/class/net/e*); ip link set $d up; "
                        "ip addr add %s/24 dev $d" % GUEST_ADDRESS)
        for direction in ("", "-R"):
            text = guest.shell("iperf3 -c %s -t 3 %s | tail -n 4" % (
                host, direction))
            if "receiver" not in text or " 0.00 Bytes" in text:
                raise guest.fail("iperf3 moved nothing: " + text)
            print("iperf3 %s %s:" % (kind, direction), text.strip())


@case(params={"kind": ["tap", "vhost"]}, timeout=400)
def test_multi_queue(env: Env, kind: str) -> None:
    """Two CPUs, two queue pairs: the driver uses both, data passes each way,
    also after the device was bound anew."""
    server = ByteServer(bytes(4 << 20), "0.0.0.0")
    sink = ByteSink("0.0.0.0")
    script = """
try() {
    ip link set eth0 up; ip addr add %(guest)s/24 dev eth0
    [ $(ls -d /sys/class/net/eth0/queues/rx-* | wc -l) = 2 ] || exit 1
    for i in 1 2 3; do
        wget -q -O - http://%(host)s:%(port)d/ | wc -c > /n$i &
    done
    wait
    [ "$(cat /n1 /n2 /n3 | uniq)" = 4194304 ] || exit 2
    for cpu in 1 2; do
        dd if=/dev/zero bs=64k count=16 2>/dev/null |
            taskset $cpu nc %(host)s %(sink)d || exit 3
    done
    for i in 0 1; do
        n=$(grep virtio0-output.$i /proc/interrupts | awk '{print $2 + $3}')
        echo "QUEUE $i $n"
        [ "$n" -gt 0 ] || exit 4
    done
}
try
cd /sys/bus/virtio/drivers/virtio_net
echo virtio0 > unbind && echo virtio0 > bind || exit 5
cd /; try
""" % {"guest": GUEST_ADDRESS, "host": TAP_ADDRESS, "port": server.port,
       "sink": sink.port}
    args = network_args(kind)
    args[1] += ",queues=2"
    args[3] += ",mq=on"
    with tap("tap7", flags="multi_queue"):
        with env.guest(script=script, cpus=2, args=args + ["-no-reboot"]
                       ) as guest:
            guest.finish(300)


@case(needs=["bzimage", "vmlinux", "guest", "root", "scratch"], timeout=500,
      params={"thread": ["main", "iothread"]})
def test_fio_verify(env: Env, thread: str) -> None:
    """fio reads back what it wrote, checked block by block."""
    from guest import disk_args
    args = disk_args(env.file("scratch"), "disk1",
                     iothread=thread == "iothread", aio="io_uring",
                     direct=True)
    with system(env, cpus=2, args=args) as guest:
        text = guest.shell(
            "fio --output=/run/fio --name=v --filename=/dev/vdb --direct=1 --rw=randwrite "
            "--bsrange=512-64k --blockalign=512 --size=16m --iodepth=16 "
            "--ioengine=libaio --verify=crc32c --do_verify=1 "
            "--verify_fatal=1 --output-format=terse && "
            "cut -c1-60 /run/fio", 300)
        print("fio:", text.strip())
