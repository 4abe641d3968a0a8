#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots and transactions of a running machine, through QMP."""
import os
import struct

from program import Program, check, main, need, test

MIB = 1 << 20


def machine(*args):
    return Program(["-nodefaults", "-M", "virt", "-m", "64", "-accel",
                    "qtest", *args])


def new_disk(name="disk", size=MIB):
    with open(name, "wb") as f:
        f.truncate(size)
    return name


def disk_machine():
    new_disk()
    return machine("-object", "iothread,id=io", "-drive",
                   "file=disk,format=raw,if=none,id=d0,node-name=n0",
                   "-device", "virtio-blk-pci,drive=d0,id=disk,iothread=io")


def fails(p, text, command, arguments):
    answer = p.ask(command, arguments)
    check("error" in answer and text in answer["error"]["desc"], command,
          arguments, answer)


def nodes(p, flat=True):
    return {n["node-name"]: n
            for n in p.get("query-named-block-nodes", {"flat": flat})}


def sync(name, below="n0", **more):
    return {"node-name": below, "snapshot-file": name + ".qcow2",
            "snapshot-node-name": name, **more}


def action(kind, **data):
    return {"type": kind, "data": data}


def shown(p):
    return p.get("query-block")[0]["inserted"]


def backing_name(path):
    with open(path, "rb") as f:
        head = f.read(4096)
    offset, size = struct.unpack(">QI", head[8:20])
    return head[offset:offset + size].decode()


# ---- Overlays ----

@test
def snapshot_sync_names():
    """The backing file in the header, from where the overlay is."""
    need("CONFIG_QCOW2")
    new_disk()
    new_disk("part")
    os.mkdir("sub")
    with machine("-drive", "if=none,id=d0,file=disk,format=raw,node-name=n0",
                 "-drive", "if=none,id=d1,file=part,format=raw,node-name=w,"
                 "offset=4096,size=65536") as p:
        p.get("blockdev-snapshot-sync", sync("s1"))
        p.get("blockdev-snapshot-sync", sync("sub/s2", "s1",
                                             **{"snapshot-node-name": "s2"}))
        p.get("blockdev-snapshot-sync", sync("s3", "w"))
        p.get("blockdev-snapshot-sync", sync("s4", "s3"))
    check(backing_name("s1.qcow2") == "disk", backing_name("s1.qcow2"))
    check(backing_name("sub/s2.qcow2") == os.path.abspath("s1.qcow2"),
          backing_name("sub/s2.qcow2"))
    name = backing_name("s3.qcow2")
    check(name == 'json:{"driver":"raw","offset":4096,"size":65536,'
          '"file":{"driver":"file","filename":"part"}}', name)
    check(backing_name("s4.qcow2") == "s3.qcow2")


@test
def snapshot_sync_twice():
    need("CONFIG_QCOW2")
    with disk_machine() as p:
        p.get("blockdev-snapshot-sync", sync("s1"))
        check(shown(p)["node-name"] == "s1")
        check(backing_name("s1.qcow2") == "disk")
        p.get("blockdev-snapshot-sync", {
            "device": "d0", "snapshot-file": "s2.qcow2"})
        info = shown(p)
        check(info["backing_file_depth"] == 2, info)
        chain = []
        image = info["image"]
        while image:
            chain.append((os.path.basename(image["filename"]),
                          image["format"]))
            image = image.get("backing-image")
        check(chain == [("s2.qcow2", "qcow2"), ("s1.qcow2", "qcow2"),
                        ("disk", "raw")], chain)
        check(info["image"]["cluster-size"] == 65536)
        check(info["backing_file"] == "s1.qcow2", info)
        flat = nodes(p)
        check("backing-image" not in flat["s1"]["image"])
        check(flat["n0"]["ro"] and flat["s1"]["ro"])
        check(nodes(p, False)["s1"]["backing_file_depth"] == 1)
        fails(p, "New overlay node-name already in use",
              "blockdev-snapshot-sync", sync("s1"))
        fails(p, "New overlay node-name missing", "blockdev-snapshot-sync",
              {"node-name": "n0", "snapshot-file": "x"})


@test
def snapshot_existing_nodes():
    need("CONFIG_QCOW2")
    with disk_machine() as p:
        p.get("blockdev-snapshot-sync", sync("s1"))
        # The same image once more, on top, as an empty overlay.
        with open("s1.qcow2", "rb") as f:
            data = f.read()
        with open("s2.qcow2", "wb") as f:
            f.write(data)
        node = {"driver": "qcow2", "node-name": "s2", "file": {
            "driver": "file", "filename": "s2.qcow2"}}
        p.get("blockdev-add", node)
        fails(p, "The overlay already has a backing image",
              "blockdev-snapshot", {"node": "s1", "overlay": "s2"})
        p.get("blockdev-del", {"node-name": "s2"})
        p.get("blockdev-add", {**node, "backing": None})
        fails(p, "The overlay is already in use", "blockdev-snapshot",
              {"node": "s2", "overlay": "s1"})
        p.get("blockdev-snapshot", {"node": "s1", "overlay": "s2"})
        check(shown(p)["node-name"] == "s2")
        fails(p, "in use", "blockdev-del", {"node-name": "s2"})
        p.get("blockdev-add", {"driver": "null-co", "node-name": "null"})
        fails(p, "does not support backing", "blockdev-snapshot",
              {"node": "s2", "overlay": "null"})
        check(shown(p)["node-name"] == "s2")


@test
def reopen_backing():
    """An overlay gets another backing node, then none."""
    need("CONFIG_QCOW2")
    with disk_machine() as p:
        p.get("blockdev-snapshot-sync", sync("s1"))
        new_disk("other")
        p.get("blockdev-add", {"driver": "raw", "node-name": "o",
                               "read-only": True, "file": {
                                   "driver": "file", "filename": "other"}})
        top = {"driver": "qcow2", "node-name": "s1",
               "file": {"driver": "file", "filename": "s1.qcow2"}}
        fails(p, "backing is missing for 's1'", "blockdev-reopen",
              {"options": [top]})
        p.get("blockdev-reopen", {"options": [{**top, "backing": "o"}]})
        check(nodes(p)["s1"]["backing_file"] == "other")
        fails(p, "cycle", "blockdev-reopen",
              {"options": [{**top, "backing": "s1"}]})
        p.get("blockdev-reopen", {"options": [{**top, "backing": None}]})
        check("backing_file" not in nodes(p)["s1"])
        p.get("blockdev-del", {"node-name": "o"})


# ---- Transactions ----

@test
def transaction_of_two_disks():
    need("CONFIG_QCOW2")
    for name in "a", "b":
        new_disk(name)
    with machine("-drive", "file=a,format=raw,if=none,id=a,node-name=na",
                 "-drive", "file=b,format=raw,if=none,id=b,node-name=nb",
                 "-device", "virtio-blk-pci,drive=a",
                 "-device", "virtio-blk-pci,drive=b") as p:
        both = [action("blockdev-snapshot-sync", **sync("sa", "na")),
                action("blockdev-snapshot-sync", **sync("sb", "nb"))]
        before = p.get("query-named-block-nodes")
        fails(p, "aborted", "transaction",
              {"actions": [*both, action("abort")]})
        check(p.get("query-named-block-nodes") == before)
        # The second fails: its node is not there.
        both[1]["data"]["node-name"] = "nope"
        fails(p, "nope", "transaction", {"actions": both})
        check(p.get("query-named-block-nodes") == before)
        both[1]["data"]["node-name"] = "nb"
        fails(p, "grouped", "transaction", {
            "actions": both, "properties": {"completion-mode": "grouped"}})
        p.get("transaction", {"actions": both, "properties": {
            "completion-mode": "individual"}})
        check([b["inserted"]["node-name"] for b in p.get("query-block")] ==
              ["sa", "sb"])


def bitmaps(p, name):
    return {b["name"]: b["recording"]
            for b in nodes(p)[name].get("dirty-bitmaps", [])}


@test
def transaction_of_bitmaps():
    with machine("-blockdev", "null-co,node-name=n0,size=1048576") as p:
        p.get("block-dirty-bitmap-add", {"node": "n0", "name": "old"})
        b0 = {"node": "n0", "name": "b0"}
        old = {"node": "n0", "name": "old"}
        actions = [action("block-dirty-bitmap-add", **b0),
                   action("block-dirty-bitmap-disable", **old),
                   action("block-dirty-bitmap-enable", **old),
                   action("block-dirty-bitmap-disable", **old),
                   action("block-dirty-bitmap-clear", **b0),
                   action("block-dirty-bitmap-merge", node="n0", target="b0",
                          bitmaps=["old"]),
                   action("block-dirty-bitmap-remove", **old)]
        fails(p, "aborted", "transaction",
              {"actions": [*actions, action("abort")]})
        check(bitmaps(p, "n0") == {"old": True}, bitmaps(p, "n0"))
        # One that an earlier action removes is gone for the later.
        fails(p, "in use", "transaction",
              {"actions": [actions[-1], actions[1]]})
        check(bitmaps(p, "n0") == {"old": True})
        p.get("transaction", {"actions": actions})
        check(bitmaps(p, "n0") == {"b0": True})
        p.get("transaction", {"actions": []})


# ---- Inside the image ----

@test
def internal_snapshots():
    need("CONFIG_QCOW2")
    with disk_machine() as p:
        create = "blockdev-snapshot-internal-sync"
        delete = "blockdev-snapshot-delete-internal-sync"
        fails(p, "internal snapshots", create, {"device": "d0", "name": "i"})
        p.get("blockdev-snapshot-sync", sync("s1"))
        answer = p.ask(create, {"device": "d0", "name": "i1"})
        if "error" in answer:       # until the format can
            check("internal snapshots" in answer["error"]["desc"], answer)
            return
        fails(p, "already exists", create, {"device": "d0", "name": "i1"})
        fails(p, "aborted", "transaction", {"actions": [
            action(create, device="d0", name="i2"), action("abort")]})
        check([s["name"] for s in shown(p)["image"]["snapshots"]] == ["i1"])
        fails(p, "Name or id must be provided", delete, {"device": "d0"})
        fails(p, "does not exist", delete, {"device": "d0", "id": "1",
                                            "name": "x"})
        check(p.get(delete, {"device": "d0", "name": "i1"})["id"] == "1")
        check("snapshots" not in shown(p)["image"])


if __name__ == "__main__":
    raise SystemExit(main())
