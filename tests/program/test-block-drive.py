#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""-drive in all its forms, seen through QMP and the file system."""
import json
import os

from program import Program, check, main, need, new_qcow2, run, test

MIB = 1 << 20
BASE = ["-nodefaults", "-M", "virt", "-m", "64", "-accel", "qtest"]


def new_file(name="disk", size=MIB):
    with open(name, "wb") as f:
        f.truncate(size)


def drive(options, *more):
    return Program([*BASE, "-drive", "if=none,id=d0," + options, *more])


def inserted(p):
    return p.get("query-block")[0]["inserted"]


def refused(options, text):
    status, _, err = run([*BASE, "-drive", "if=none,id=d0," + options])
    check(status == 1 and text in err, options, err)


# cache, then writeback, direct, no-flush
CACHES = (("cache=writeback", True, False, False),
          ("cache=writethrough", False, False, False),
          ("cache=unsafe", True, False, True),
          ("cache.writeback=off", False, False, False),
          ("cache.no-flush=on", True, False, True),
          ("cache.no-flush=on,cache.writeback=off", False, False, True))


@test
def caches():
    new_file()
    for text, writeback, direct, no_flush in CACHES:
        with drive("file=disk,format=raw," + text) as p:
            check(inserted(p)["cache"] == {
                "writeback": writeback, "direct": direct,
                "no-flush": no_flush}, text)
            for node in p.get("query-named-block-nodes"):
                check(node["cache"]["no-flush"] == no_flush, text, node)


@test
def options_of_qcow2():
    need("CONFIG_QCOW2")
    new_qcow2("top.qcow2", MIB)
    for text in ("overlap-check=all", "overlap-check.template=none",
                 "cache-clean-interval=30,l2-cache-size=1M",
                 "pass-discard-request=on,pass-discard-snapshot=off,"
                 "pass-discard-other=on"):
        with drive("file=top.qcow2," + text) as p:
            check(inserted(p)["drv"] == "qcow2", text)
    refused("file=top.qcow2,overlap-check=much", "overlap-check")
    refused("file=top.qcow2,cache-size=64k,l2-cache-size=1M",
            "l2-cache-size may not exceed cache-size")


@test
def options_that_exclude_each_other():
    """With the words that QEMU has for it."""
    new_file()
    for text, error in (
            ("throttling.iops-total=1,iops=2", "'throttling.iops-total' and "
             "its alias 'iops' can't be used at the same time"),
            ("throttling.bps-read-max=9,bps_rd_max=9,bps_rd=1", "alias "
             "'bps_rd_max'"),
            ("driver=raw", "Cannot specify both 'driver' and 'format'"),
            ("index=2,unit=1", "index cannot be used with bus and unit"),
            ("bus=1", "there is no bus 1"),
            ("rerror=enospc", "'enospc' invalid read error action"),
            ("bps=1,bps_rd=1", "bps")):
        refused("file=disk,format=raw," + text, error)
    two = ["-drive", "file=disk,format=raw,if=virtio,index=3,readonly=on"] * 2
    status, _, err = run([*BASE, *two])
    check(status == 1 and "drive with bus=0, unit=3 (index=3) exists" in err,
          err)
    with drive("file=disk,format=raw,stats-account-failed=off,bus=0,index=1"
               ) as p:
        stats = p.get("query-blockstats")[0]["stats"]
        check(not stats["account_failed"] and stats["account_invalid"], stats)


@test
def file_by_its_options():
    new_file()
    for text in ("file.filename=disk,format=raw",
                 "file.driver=file,file.filename=disk,driver=raw",
                 "file.filename=disk,file.locking=off,format=raw",
                 "file=disk,file.locking=off,file.aio=threads,format=raw",
                 "file.locking=off,format=raw,file=disk",
                 "file.filename=disk,format=raw,offset=512,size=4096"):
        with drive(text) as p:
            info = inserted(p)
            name = ('json:{"driver":"raw","offset":512,"size":4096,"file":'
                    '{"driver":"file","filename":"disk"}}'
                    if "offset" in text else "disk")
            check(info["drv"] == "raw" and info["file"] == name, info)
    check(info["image"]["virtual-size"] == 4096, info)
    with drive("driver=null-co,size=8192,read-zeroes=on") as p:
        check(inserted(p)["image"]["virtual-size"] == 8192)
    refused("file.locking=off,format=raw", "A block device must be specified")
    refused("file.filename=disk,file.nope=1,format=raw", "nope")
    refused("file.filename=nope,format=raw", "nope")
    refused("file=disk,file.nope=1,format=raw", "nope")
    refused("file=disk,file.filename=disk,format=raw", "at the same time")


@test
def limits():
    new_file()
    for text in ("throttling.iops-total=100,throttling.iops-total-max=200,"
                 "throttling.bps-read=5000",
                 "iops=100,iops_max=200,bps_rd=5000"):
        with drive("file=disk,format=raw," + text) as p:
            info = inserted(p)
            check((info["iops"], info["iops_max"], info["bps_rd"],
                   info["group"]) == (100, 200, 5000, "d0"), info)
    with drive("file=disk,format=raw,iops=5,throttling.group=g",
               "-drive", "if=none,id=d1,driver=null-co,iops=7,group=g") as p:
        # The last one to say it, for both.
        check([(b["inserted"]["iops"], b["inserted"]["group"])
               for b in p.get("query-block")] == [(7, "g"), (7, "g")])
    refused("file=disk,format=raw,iops=5,iops_rd=5", "at the same time")


@test
def snapshot_is_forgotten():
    need("CONFIG_QCOW2")
    new_file()
    os.environ["TMPDIR"] = os.getcwd()
    for args in (("file=disk,format=raw,snapshot=on",),
                 ("file=disk,format=raw", "-snapshot")):
        with drive(*args) as p:
            info = inserted(p)
            check(info["drv"] == "qcow2" and not info["ro"], info)
            check(info["image"]["backing-image"]["filename"] == "disk")
            check(info["cache"]["no-flush"], info)
            check(sorted(os.listdir(".")) == ["disk"], os.listdir("."))
            below = [n for n in p.get("query-named-block-nodes")
                     if n["file"] == "disk"]
            check(all(n["ro"] for n in below), below)
    with drive("file=disk,format=raw,snapshot=off", "-snapshot") as p:
        check(inserted(p)["drv"] == "raw")
    del os.environ["TMPDIR"]


@test
def copy_on_read():
    new_file()
    with drive("file=disk,format=raw,copy-on-read=on") as p:
        check(inserted(p)["drv"] == "copy-on-read")


@test
def other_words():
    new_file()
    with drive("file=disk,format=raw,detect-zeroes=on,discard=unmap,"
               "werror=stop,rerror=ignore,node-name=n0") as p:
        info = inserted(p)
        check(info["detect_zeroes"] == "on" and info["node-name"] == "n0")
    refused("file=disk,format=raw,serial=abc",
            "'serial' is a property of the device")
    refused("file=disk,format=raw,l2-cache-size=1M", "l2-cache-size")
    refused("file=disk,format=raw,nope=1", "nope")
    refused("file=disk,format=raw,detect-zeroes=unmap", "discard")


MAPPINGS = (
    ([], "must not be empty"),
    ([{"iothread": "x"}], "object does not exist"),
    ([{"iothread": "a"}, {"iothread": "a"}], "duplicate iothread"),
    ([{"iothread": "a", "vqs": [0, 1]}, {"iothread": "b"}],
     "or none of them"),
    ([{"iothread": "a", "vqs": [0, 2]}], "must be less than num_queues 2"),
    ([{"iothread": "a", "vqs": [0, 1]}, {"iothread": "b", "vqs": [1]}],
     "already assigned"),
    ([{"iothread": "a", "vqs": [1]}], "missing vq 0"))


@test
def queues_in_iothreads():
    objects = ["-object", "iothread,id=a", "-object", "iothread,id=b",
               "-drive", "if=none,id=d0,driver=null-co"]

    def device(mapping, **more):
        return json.dumps({"driver": "virtio-blk-pci", "drive": "d0",
                           "num-queues": 2, "id": "disk",
                           "iothread-vq-mapping": mapping, **more})

    for mapping, text in MAPPINGS:
        status, _, err = run([*BASE, *objects, "-device", device(mapping)])
        check(status == 1 and text in err, mapping, err)
    status, _, err = run([*BASE, *objects, "-device",
                          device([{"iothread": "a"}], iothread="b")])
    check(status == 1 and "at the same time" in err, err)
    wanted = [{"iothread": "b", "vqs": [1]}, {"iothread": "a", "vqs": [0]}]
    with Program([*BASE, *objects, "-device", device(wanted)]) as p:
        check(p.get("qom-get", {
            "path": "/machine/peripheral/disk",
            "property": "iothread-vq-mapping"}) == wanted)


if __name__ == "__main__":
    raise SystemExit(main())
