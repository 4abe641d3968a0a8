#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The block graph of a running machine, changed through QMP."""
import json
import os

from program import (Program, Skip, check, configured, main, need, run,
                     test)

MIB = 1 << 20


def machine(*args):
    return Program(["-nodefaults", "-M", "virt", "-m", "64", "-accel",
                    "qtest", *args])


def new_file(name, size=MIB):
    with open(name, "wb") as f:
        f.truncate(size)
    return name


def file_node(name, path, **more):
    return {"driver": "file", "node-name": name, "filename": path, **more}


def raw_node(name, file, **more):
    return {"driver": "raw", "node-name": name, "file": file, **more}


def fails(p, text, command, arguments):
    answer = p.ask(command, arguments)
    check("error" in answer and text in answer["error"]["desc"], command,
          arguments, answer)


def node(p, name):
    return next(n for n in p.get("query-named-block-nodes")
                if n["node-name"] == name)


def open_for_writing(p, path):
    """Whether the program has a descriptor for writing."""
    folder = "/proc/%d/fd" % p.process.pid
    for fd in os.listdir(folder):
        try:
            if os.readlink(folder + "/" + fd) == os.path.abspath(path):
                with open("/proc/%d/fdinfo/%s" % (p.process.pid, fd),
                          encoding="ascii") as f:
                    flags = int(f.read().split("flags:")[1].split()[0], 8)
                if flags & os.O_ACCMODE == os.O_RDWR:
                    return True
        except FileNotFoundError:
            pass
    return False


# ---- Size ----

@test
def resize():
    new_file("disk")
    with machine("-drive", "file=disk,format=raw,if=none,id=d0,node-name=n0",
                 "-device", "virtio-blk-pci,drive=d0,id=disk") as p:
        p.get("block_resize", {"device": "d0", "size": 2 * MIB})
        check(os.path.getsize("disk") == 2 * MIB)
        check(node(p, "n0")["image"]["virtual-size"] == 2 * MIB)
        p.get("block_resize", {"node-name": "n0", "size": 3 * MIB})
        info = p.get("query-block")[0]
        check(info["inserted"]["image"]["virtual-size"] == 3 * MIB, info)
        fails(p, "size", "block_resize", {"device": "d0", "size": -1})
        fails(p, "Cannot find device='x' nor node-name=''", "block_resize",
              {"device": "x", "size": MIB})


@test
def resize_below_a_format():
    """What has its length from below takes it over."""
    new_file("disk")
    with machine() as p:
        p.get("blockdev-add", file_node("f0", "disk"))
        p.get("blockdev-add", raw_node("r0", "f0"))
        p.get("blockdev-add", raw_node("r1", "r0"))
        p.get("block_resize", {"node-name": "f0", "size": 5 * MIB})
        for name in "f0", "r0", "r1":
            check(node(p, name)["image"]["virtual-size"] == 5 * MIB, name)


@test
def sizes_in_json_are_numbers():
    """Suffixes are for people: a client of QMP sends a number."""
    null = {"driver": "null-co", "node-name": "n0"}
    with machine() as p:
        for size in "64k", "65536":
            fails(p, "Invalid parameter type for 'size', expected: integer",
                  "blockdev-add", {**null, "size": size})
        fails(p, "size", "blockdev-add", {**null, "size": 1 << 63})
        p.get("blockdev-add", {**null, "size": 65536})
    status, _, err = run(["-blockdev", json.dumps({**null, "size": "64k"})])
    check(status == 1 and "expected: integer" in err, err)


# ---- Other options ----

@test
def reopen_for_writing_and_back():
    new_file("disk")
    with machine() as p:
        p.get("blockdev-add", file_node("f0", "disk", **{"read-only": True}))
        p.get("blockdev-add", raw_node("r0", "f0", **{"read-only": True}))
        fails(p, "read-only", "block_resize",
              {"node-name": "r0", "size": 2 * MIB})
        # The file is not writable yet.
        p.get("blockdev-reopen", {"options": [raw_node("r0", "f0")]})
        check(node(p, "r0")["ro"] is False)
        fails(p, "read-only", "block_resize",
              {"node-name": "r0", "size": 2 * MIB})
        p.get("blockdev-reopen", {"options": [file_node("f0", "disk")]})
        p.get("block_resize", {"node-name": "r0", "size": 2 * MIB})
        check(open_for_writing(p, "disk"))
        p.get("blockdev-reopen", {"options": [
            raw_node("r0", "f0", **{"read-only": True}),
            file_node("f0", "disk", **{"read-only": True})]})
        check(node(p, "r0")["ro"] and node(p, "f0")["ro"])
        check(not open_for_writing(p, "disk"))


@test
def reopen_all_or_nothing():
    """The second node cannot be what is asked, so the first stays."""
    new_file("disk")
    new_file("other")
    with machine("-blockdev", "file,node-name=f0,filename=disk",
                 "-blockdev", "file,node-name=f1,filename=other",
                 "-blockdev", "raw,node-name=r0,file=f0",
                 "-device", "virtio-blk-pci,drive=r0") as p:
        before = p.get("query-named-block-nodes")
        ro = {"read-only": True}
        fails(p, "Read-only block node 'r0' cannot support read-write users",
              "blockdev-reopen", {"options": [
                  file_node("f1", "other", cache={"direct": True}),
                  raw_node("r0", "f0", discard="unmap", **ro)]})
        check(p.get("query-named-block-nodes") == before)
        fails(p, "Cannot change the option 'filename'", "blockdev-reopen",
              {"options": [raw_node("r0", "f1"), file_node("f0", "other")]})
        check(p.get("query-named-block-nodes") == before)
        fails(p, "Cannot change the option 'driver'", "blockdev-reopen",
              {"options": [raw_node("f0", "f1")]})
        fails(p, "Failed to find node with node-name='x'", "blockdev-reopen",
              {"options": [raw_node("x", "f1")]})
        fails(p, "given twice", "blockdev-reopen",
              {"options": [raw_node("r0", "f0"), raw_node("r0", "f0")]})
        fails(p, "cycle", "blockdev-reopen",
              {"options": [raw_node("r0", "r0")]})
        p.get("block_resize", {"node-name": "r0", "size": 2 * MIB})
        check(os.path.getsize("disk") == 2 * MIB)


@test
def reopen_other_child():
    new_file("disk")
    new_file("other", 4 * MIB)
    with machine() as p:
        p.get("blockdev-add", file_node("f0", "disk"))
        p.get("blockdev-add", file_node("f1", "other"))
        p.get("blockdev-add", raw_node("r0", "f0"))
        fails(p, "in use", "blockdev-del", {"node-name": "f0"})
        p.get("blockdev-reopen", {"options": [
            raw_node("r0", "f1", **{"detect-zeroes": "on"})]})
        info = node(p, "r0")
        check(info["image"]["virtual-size"] == 4 * MIB, info)
        check(info["detect_zeroes"] == "on", info)
        p.get("blockdev-del", {"node-name": "f0"})
        fails(p, "in use", "blockdev-del", {"node-name": "f1"})


@test
def reopen_child_in_place():
    """A child that was described in place is reopened with its parent."""
    new_file("disk")
    below = {"driver": "file", "filename": "disk"}
    with machine() as p:
        p.get("blockdev-add", raw_node("r0", below))
        p.get("blockdev-reopen", {"options": [
            raw_node("r0", below, **{"cache": {"no-flush": True}})]})
        check(all(n["cache"]["no-flush"]
                  for n in p.get("query-named-block-nodes")))


@test
def reopen_direct():
    """The alignment of requests follows."""
    new_file("disk")
    with machine() as p:
        p.get("blockdev-add", file_node("f0", "disk"))
        p.get("blockdev-add", raw_node("r0", "f0"))
        answer = p.ask("blockdev-reopen", {"options": [
            file_node("f0", "disk", cache={"direct": True})]})
        if "error" in answer:       # a file system that cannot
            check("disk" in answer["error"]["desc"], answer)
            return
        check(node(p, "f0")["cache"]["direct"])
        p.get("block_resize", {"node-name": "r0", "size": 2 * MIB})


@test
def aio_modes():
    """Linux AIO is for direct I/O alone; changes of the one or the other."""
    new_file("disk")
    direct = {"cache": {"direct": True}}
    why = "aio=native was specified, but it requires cache.direct=on, which " \
          "was not specified."
    if "CONFIG_LINUX_AIO" not in configured():
        why = "built without it: configure --enable-linux-aio, with libaio"
    with machine() as p:
        native = file_node("f0", "disk", aio="native")
        fails(p, why, "blockdev-add", native)
        fails(p, "aio-max-batch '-1' is not from 0 to", "blockdev-add",
              file_node("f0", "disk", **{"aio-max-batch": -1}))
        answer = p.ask("blockdev-add", file_node("f0", "disk", **direct))
        if "error" in answer:
            raise Skip("no direct I/O on this file system")
        need("CONFIG_LINUX_AIO")
        answer = p.ask("blockdev-add", file_node("f1", "disk", aio="native",
                                                 **direct))
        if "error" in answer and "this kernel" in answer["error"]["desc"]:
            raise Skip("no Linux AIO in this kernel")
        for options in ({"aio": "native"}, {"aio": "threads"},
                        {"aio": "native", "aio-max-batch": 9}, {}):
            p.get("blockdev-reopen", {"options": [
                file_node("f0", "disk", **direct, **options)]})
        fails(p, why, "blockdev-reopen", {"options": [native]})
        check(node(p, "f0")["cache"]["direct"])


# ---- Dirty bitmaps ----

def bitmaps(p, name):
    return {b["name"]: b for b in node(p, name).get("dirty-bitmaps", [])}


@test
def bitmap_life():
    with machine("-blockdev", "null-co,node-name=n0,size=1048576") as p:
        b0 = {"node": "n0", "name": "b0"}
        p.get("block-dirty-bitmap-add", {**b0, "granularity": 512})
        p.get("block-dirty-bitmap-add", {"node": "n0", "name": "b1",
                                         "disabled": True})
        check(bitmaps(p, "n0") == {
            "b0": {"name": "b0", "count": 0, "granularity": 512,
                   "recording": True, "busy": False, "persistent": False},
            "b1": {"name": "b1", "count": 0, "granularity": 65536,
                   "recording": False, "busy": False, "persistent": False}})
        p.get("block-dirty-bitmap-disable", b0)
        check(bitmaps(p, "n0")["b0"]["recording"] is False)
        p.get("block-dirty-bitmap-enable", b0)
        p.get("block-dirty-bitmap-clear", b0)
        p.get("block-dirty-bitmap-merge", {
            "node": "n0", "target": "b0",
            "bitmaps": ["b1", {"node": "n0", "name": "b1"}]})
        # 2048 bits of zeros
        check(p.get("x-debug-block-dirty-bitmap-sha256", b0)["sha256"] ==
              "5341e6b2646979a70e57653007a1f310"
              "169421ec9bdd9f1a5648f75ade005af1")
        p.get("block-dirty-bitmap-remove", b0)
        check(list(bitmaps(p, "n0")) == ["b1"])


@test
def bitmap_refused():
    with machine("-blockdev", "null-co,node-name=n0,size=1048576",
                 "-blockdev", "null-co,node-name=n1,size=2097152") as p:
        add = "block-dirty-bitmap-add"
        p.get(add, {"node": "n0", "name": "b"})
        p.get(add, {"node": "n1", "name": "c"})
        fails(p, "Bitmap already exists: b", add, {"node": "n0", "name": "b"})
        fails(p, "Granularity", add, {"node": "n0", "name": "x",
                                      "granularity": 100})
        fails(p, "Cannot find device='x' nor node-name='x'", add,
              {"node": "x", "name": "x"})
        fails(p, "Cannot store dirty bitmaps", add,
              {"node": "n0", "name": "x", "persistent": True})
        fails(p, "Dirty bitmap 'x' not found", "block-dirty-bitmap-clear",
              {"node": "n0", "name": "x"})
        fails(p, "different sizes", "block-dirty-bitmap-merge",
              {"node": "n0", "target": "b",
               "bitmaps": [{"node": "n1", "name": "c"}]})
        check(list(bitmaps(p, "n0")) == ["b"])


# ---- Limits ----

NO_LIMITS = {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0,
             "iops_wr": 0}


@test
def throttle_group():
    with machine("-object", "throttle-group,id=g0,x-iops-total=100,"
                 "x-iops-total-max=200", "-blockdev",
                 "throttle,node-name=t0,throttle-group=g0,file.driver=null-co"
                 ) as p:
        path = {"path": "/objects/g0", "property": "limits"}
        limits = p.get("qom-get", path)
        check(limits["iops-total"] == 100 and
              limits["iops-total-max"] == 200 and
              limits["bps-read-max-length"] == 1, limits)
        p.get("qom-set", {**path, "value": {"iops-total": 50}})
        limits = p.get("qom-get", path)
        check(limits["iops-total"] == 50 and limits["iops-total-max"] == 200)
        fails(p, "same time", "qom-set", {**path, "value": {"iops-read": 5}})
        check(p.get("qom-get", path) == limits)
        fails(p, "cannot be set", "qom-set", {
            "path": "/objects/g0", "property": "x-iops-total", "value": 5})
        fails(p, "in use", "object-del", {"id": "g0"})
        fails(p, "Throttle group 'g1' does not exist", "blockdev-add", {
            "driver": "throttle", "node-name": "t1", "throttle-group": "g1",
            "file": "t0"})
        p.get("object-add", {"qom-type": "throttle-group", "id": "g1",
                             "limits": {"bps-write": 1000}})
        p.get("blockdev-add", {
            "driver": "throttle", "node-name": "t1", "throttle-group": "g1",
            "file": "t0"})
        p.get("blockdev-reopen", {"options": [{
            "driver": "throttle", "node-name": "t1", "throttle-group": "g0",
            "file": "t0"}]})
        p.get("object-del", {"id": "g1"})
        check(node(p, "t1")["backing_file_depth"] == 2)


@test
def set_io_throttle():
    new_file("disk")
    with machine("-drive", "file=disk,format=raw,if=none,id=d0",
                 "-device", "virtio-blk-pci,drive=d0,id=disk") as p:
        p.get("block_set_io_throttle", {
            **NO_LIMITS, "device": "d0", "bps_rd": 1000, "bps_rd_max": 2000,
            "bps_rd_max_length": 3, "iops": 7, "iops_size": 4096,
            "group": "all"})
        info = p.get("query-block")[0]["inserted"]
        for key, value in {"bps_rd": 1000, "bps_rd_max": 2000,
                           "bps_rd_max_length": 3, "iops": 7, "bps": 0,
                           "iops_size": 4096, "group": "all"}.items():
            check(info[key] == value, key, info)
        check("iops_max" not in info)
        fails(p, "same time", "block_set_io_throttle", {
            **NO_LIMITS, "id": "disk", "iops": 5, "iops_rd": 5})
        fails(p, "Device 'x' not found", "block_set_io_throttle",
              {**NO_LIMITS, "device": "x"})
        p.get("block_set_io_throttle", {**NO_LIMITS, "id": "disk"})
        info = p.get("query-block")[0]["inserted"]
        check(info["iops"] == 0 and "group" not in info, info)


# ---- Statistics ----

@test
def latency_histograms():
    new_file("disk")
    with machine("-drive", "file=disk,format=raw,if=none,id=d0",
                 "-device", "virtio-blk-pci,drive=d0,id=disk,"
                 "account-failed=off") as p:
        command = "block-latency-histogram-set"

        def stats():
            return p.get("query-blockstats")[0]["stats"]

        check("rd_latency_histogram" not in stats())
        check(stats()["account_failed"] is False)
        check(stats()["account_invalid"] is True)
        p.get(command, {"id": "disk", "boundaries": [10, 1000000]})
        wanted = {"boundaries": [10, 1000000], "bins": [0, 0, 0]}
        for kind in "rd", "wr", "flush":
            check(stats()[kind + "_latency_histogram"] == wanted, stats())
        p.get(command, {"id": "disk", "boundaries-read": [5]})
        check(stats()["rd_latency_histogram"] ==
              {"boundaries": [5], "bins": [0, 0]})
        check(stats()["wr_latency_histogram"] == wanted)
        fails(p, "Device 'disk' set write boundaries fail", command,
              {"id": "disk", "boundaries-write": [5, 5]})
        fails(p, "fail", command, {"id": "disk", "boundaries": [0, 5]})
        fails(p, "not found", command, {"id": "x"})
        check(stats()["wr_latency_histogram"] == wanted)
        p.get(command, {"id": "disk"})
        check("wr_latency_histogram" not in stats())


if __name__ == "__main__":
    raise SystemExit(main())
