# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole Debian with systemd on an ext4 virtio disk."""
import contextlib
from typing import Any, Iterator

from case import case
from guest import Env, Guest, disk_args

NEEDS = ["bzimage", "vmlinux", "guest", "root"]
# The shell comes late in a nested machine: udev and a dozen services.
BOOT_S = 240


@contextlib.contextmanager
def system(env: Env, **options: Any) -> Iterator[Guest]:
    """A guest that has reached its root shell."""
    args = disk_args(env.file("root")) + list(options.pop("args", ()))
    options.setdefault("memory_mib", 512)
    with env.guest(root="/dev/vda", args=args, append="systemd.show_status=0 "
                   "udev.log_level=3 fsck.mode=skip", modules="",
                   **options) as guest:
        guest.expect("^GUEST-SHELL$", BOOT_S)
        yield guest


@case(needs=NEEDS, timeout=400,
      params={"kernel": ["bzimage", "pvh"], "cpus": [1, 2, 4]})
def test_boot(env: Env, kernel: str, cpus: int) -> None:
    """Boots, no unit failed, and system_powerdown shuts it down cleanly."""
    with system(env, kernel=kernel, cpus=cpus) as guest:
        if guest.shell("nproc").split() != [str(cpus)]:
            raise guest.fail("not %d CPUs" % cpus)
        guest.shell("findmnt -no FSTYPE,SOURCE / | grep -q 'ext4 */dev/vda'")
        guest.shell("mount -o remount,rw /; echo kept > /root/mark; sync")
        state = guest.shell("systemctl is-system-running --wait || "
                            "systemctl --failed --no-legend")
        if "running" not in state:
            raise guest.fail("systemd is not content: " + state)
        guest.qmp.cmd("system_powerdown")
        guest.qmp.wait_event("POWERDOWN")
        event = guest.qmp.wait_event("SHUTDOWN", 180)
        if event["data"].get("reason") != "guest-shutdown":
            raise guest.fail("shutdown for another reason: %s" % event)
        guest.wait()


@case(needs=NEEDS, timeout=600)
def test_reboot(env: Env) -> None:
    """`reboot` in the guest starts the same system again, disk intact."""
    with system(env) as guest:
        guest.qmp.cmd("query-status")   # or the event comes before us
        guest.shell("mount -o remount,rw /; echo kept > /root/mark; sync")
        guest.send("systemctl reboot\n")
        guest.expect("^GUEST-SHELL$", BOOT_S + 60)
        guest.qmp.wait_event("RESET")
        guest.shell("grep -q kept /root/mark")


@case(needs=NEEDS, timeout=600)
def test_system_reset(env: Env) -> None:
    with system(env, cpus=2) as guest:
        guest.shell("mount -o remount,rw /; echo kept > /root/mark; sync")
        guest.qmp.cmd("system_reset")
        guest.expect("^GUEST-SHELL$", BOOT_S)
        guest.shell("grep -q kept /root/mark")


@case(needs=NEEDS, timeout=600)
def test_shutdown_no_shutdown(env: Env) -> None:
    """With -no-shutdown the process stays and can be reset into life."""
    with system(env, args=["-no-shutdown"]) as guest:
        guest.qmp.cmd("query-status")
        guest.send("systemctl poweroff\n")
        guest.qmp.wait_event("SHUTDOWN", 180)
        status = guest.qmp.cmd("query-status")
        if status["status"] != "shutdown" or status["running"]:
            raise guest.fail("query-status says %s" % status)
        guest.qmp.cmd("system_reset")
        guest.qmp.cmd("cont")
        guest.expect("^GUEST-SHELL$", BOOT_S)
