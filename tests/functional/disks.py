# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images and fio for tests of block devices."""
import json
import os
import shlex
import shutil
import subprocess
from typing import Any, Dict, List, Optional, Sequence

from case import SkipCase
from guest import Env, Guest, GuestError

Node = Dict[str, Any]
PEER = "qemu-img"


def run(command: Sequence[str], status: int = 0) -> str:
    """Run a program of this machine; returns all it wrote.

    Errors: GuestError when it ends with another status.
    """
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != status:
        raise GuestError("%s: status %d, not %d\n%s" % (
            shlex.join(command), done.returncode, status, done.stdout))
    return done.stdout


def need(*programs: str) -> None:
    for name in programs:
        if not shutil.which(name):
            raise SkipCase(name + " is not installed (make deps)")


def img(env: Env) -> str:
    """The image tool of the build under test."""
    path = os.path.join(os.path.dirname(env.binary), "nemu-img")
    return path if os.path.exists(path) else PEER


def io(env: Env) -> str:
    return img(env).replace("-img", "-io")


def image_node(path: str, driver: str = "qcow2", **options: Any) -> Node:
    """A node for an image file; options are the format node's, and, as
    file_options, those of the file below."""
    below = {"driver": "file", "filename": path}
    below.update(options.pop("file_options", {}))
    return {"driver": driver, "file": below, **options}


def blockdev(node: Node) -> List[str]:
    return ["-blockdev", json.dumps(node)]


def json_name(node: Node) -> str:
    """How a tool is told of a node."""
    return "json:" + json.dumps(node)


def find_node(guest: Guest, name: str) -> Dict[str, Any]:
    """What query-named-block-nodes says of a node."""
    for node in guest.qmp.cmd("query-named-block-nodes", flat=True):
        if node["node-name"] == name:
            return node
    raise guest.fail("no node " + name)


def statistics(guest: Guest, device: str) -> Dict[str, Any]:
    """The counters of the device whose id begins the path of `qdev`."""
    for entry in guest.qmp.cmd("query-blockstats"):
        if device in entry.get("qdev", "").split("/"):
            return entry["stats"]
    raise guest.fail("no statistics of " + device)


def written(guest: Guest, device: str) -> int:
    return statistics(guest, device)["wr_bytes"]


# ---- fio in a guest ----
# The tiny guest takes it from Debian's root disk.

TOOLS = """
for d in /sys/block/vd*; do
    [ "$(cat $d/serial)" = tools ] && tools=/dev/$(basename $d)
done
mkdir /tools && mount -t ext4 -o ro "$tools" /tools || exit 90
for d in dev proc sys; do mount --bind /$d /tools/$d; done
mount -t tmpfs tmpfs /tools/tmp
"""


def tools_args(env: Env) -> List[str]:
    """The disk that has the guest's tools; a case needs `root` for it."""
    node = {"driver": "host_device", "filename": env.file("root"),
            "node-name": "tools-node", "read-only": True}
    return blockdev(node) + ["-device", "virtio-blk-pci,drive=tools-node,"
                             "id=tools,serial=tools"]


def fio(**options: Any) -> str:
    """A command line of fio for the tiny guest that verifies what it wrote.

    Underscores in names stay; a value None leaves an option out.
    """
    words: Dict[str, Optional[Any]] = {
        "name": "job", "filename": "/dev/vda", "rw": "randwrite",
        "bs": "4k", "size": "4m", "ioengine": "libaio", "iodepth": 8,
        "direct": 1, "verify": "crc32c", "verify_fatal": 1}
    words.update(options)
    return "chroot /tools fio --eta=never --verify_state_save=0 " \
        "--output=/tmp/fio " + " ".join(
        "--%s=%s" % item for item in words.items() if item[1] is not None)
