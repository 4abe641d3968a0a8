#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every option of every command of nemu-img, short and long, with what it does:
output, exit status and images are those of qemu-img after the same command."""
import hashlib
import json
import os
import re
import shutil
import sys

from toolcase import NEMU, Skip, check, good, main, plain, qemu, run, test

SECRET = "--object secret,id=s0,data=abc"
OPTS = "driver=qcow2,file.driver=file,file.filename="
# Each line runs in a directory with the images of prepare().
LINES = """
amend -o lazy_refcounts=on qcow2
amend -f qcow2 -o compat=0.10 -p qcow2
amend -q -t none -o refcount_bits=8 qcow2
amend -o preallocation=full --force qcow2
amend --force -o lazy_refcounts=on qcow2
amend --image-opts -o lazy_refcounts=on OPTSqcow2
amend SECRET -o compat=0.10 qcow2
amend -o help -f qcow2
bench -q -c 3 -d 2 -f qcow2 -s 4k -S 8k -o 64k -t none -U qcow2
bench -q -c 3 -n qcow2
bench -q -c 3 -i threads qcow2
bench -q -w -c 8 --pattern=7 --flush-interval=2 --no-drain qcow2
bench -q -w -c 8 --pattern 300 qcow2
bench -q --image-opts -c 3 --force-share OPTSqcow2
bitmap --add -g 64k qcow2 b
bitmap --add --granularity=128k -f qcow2 qcow2 b
bitmap --add --disable --image-opts OPTSqcow2 b
bitmap --remove marked b0
bitmap --clear --enable marked b0
bitmap --disable marked b0
bitmap --enable marked b1
bitmap --merge b1 marked b0
bitmap --add --merge b0 -b marked -F qcow2 qcow2 x
bitmap --add --merge b0 --source-file marked --source-format qcow2 qcow2 x
bitmap SECRET --add qcow2 b
check -f qcow2 --output=human qcow2
check --format qcow2 --output=json marked
check -q -r leaks -T none qcow2
check --repair all qcow2
check -U qcow2
check --force-share qcow2
check --image-opts OPTSqcow2
check SECRET qcow2
commit -f qcow2 -t none -d top
commit -b base -p top
commit -q -r 100M top
commit --image-opts driver=qcow2,file.filename=top
commit SECRET top
compare -f raw -F qcow2 -T none -p raw qcow2
compare -s -U raw longer
compare --force-share -q raw copy
compare --image-opts driver=raw,file.filename=raw OPTSqcow2
compare SECRET raw copy
convert -f raw -O qcow2 -p -q raw z
convert -W -m 2 -f raw -O qcow2 raw z
convert -c -O qcow2 -o cluster_size=4k raw z
convert -C -O raw raw z
convert -n -t none -T none -O raw raw longer
convert -n --target-is-zero -O raw raw empty2
convert --bitmaps -O qcow2 marked z
convert --bitmaps --skip-broken-bitmaps -O qcow2 marked z
convert --skip-broken-bitmaps -O qcow2 marked z
convert -U -O raw qcow2 z
convert --force-share -O raw qcow2 z
convert -B base -F raw -O qcow2 top z
convert -l s -O raw marked z
convert -l snapshot.name=s -O raw marked z
convert -l snapshot.id=1 -O raw marked z
convert -S 0 -O raw raw z
convert -S 64k -O raw raw z
convert -r 100M -O raw raw z
convert --salvage -O raw raw z
convert --image-opts -O raw OPTSqcow2 z
convert --target-image-opts -n raw driver=raw,file.filename=longer
convert SECRET -O raw raw z
convert -O raw raw longer z
create -q -f qcow2 z 1M
create -f qcow2 -b base -F raw z
create -u -f qcow2 -b none -F raw z 1M
create -f qcow2 -o cluster_size=4k,size=2M z
create SECRET -f raw z 1M
dd -f raw -O qcow2 bs=4k count=30 if=raw of=z
dd bs=4k skip=16 if=raw of=z
dd -U if=raw of=z
dd --force-share if=raw of=z
dd --image-opts if=OPTSqcow2 of=z
dd --object secret,id=s0,data=abc if=raw of=z
info -f qcow2 --output=human qcow2
info --format raw raw
info --backing-chain -U top
info --backing-chain --force-share --output=json base
info --image-opts OPTSempty2
info SECRET raw
map -f raw --output=json raw
map --format qcow2 qcow2
map -s 64k -l 64k --output=json qcow2
map --start-offset=64k --max-length=128k -U qcow2
map --force-share --image-opts --output=human OPTSqcow2
map SECRET raw
measure --output=json -O qcow2 -o cluster_size=4k --size 1G
measure -f qcow2 -O raw qcow2
measure -l s -O raw marked
measure -O qcow2 --image-opts OPTSqcow2
measure SECRET -O raw --size 1M
measure -U -O raw qcow2
measure --force-share -O raw qcow2
snapshot -q -c t qcow2
snapshot -a s marked
snapshot -a s kept
snapshot -d s kept
snapshot -d s marked
snapshot -U -l marked
snapshot --force-share -l qcow2
snapshot --image-opts -l OPTSqcow2
snapshot SECRET -l qcow2
rebase -f qcow2 -b copy -F raw -t none -T none -p top
rebase -q -u -b copy -F raw top
rebase -U -u -b copy -F raw top
rebase --force-share -u -b copy -F raw top
rebase --image-opts -u -b copy -F raw driver=qcow2,file.filename=top
rebase SECRET -u -b copy -F raw top
rebase -b '' top
resize -f raw -q raw 4M
resize --preallocation=full raw 3M
resize --shrink qcow2 1M
resize --image-opts OPTSqcow2 3M
resize SECRET qcow2 +1M
"""

# Others know more than the synopsis has: what was added later, and here for a
# reason. Their lines are compared only where the peer knows the option.
LATER = {"rebase -c": "rebase -c -b copy -F raw top",
         "rebase --compress": "rebase --compress -b copy -F raw top"}


def words(line: str) -> list:
    line = line.replace("SECRET", SECRET).replace("OPTS", OPTS)
    return [w.replace("''", "") for w in line.split()]


def prepare() -> None:
    make = [NEMU.img, "create", "-q", "-f"]
    for args in (["raw", "raw", "2M"], ["raw", "longer", "3M"],
                 ["raw", "empty2", "2M"], ["qcow2", "qcow2", "2M"],
                 ["raw", "base", "2M"], ["qcow2", "marked", "2M"],
                 ["qcow2", "kept", "2M"],
                 ["qcow2", "-b", "base", "-F", "raw", "top"]):
        good(*make, *args)
    good(NEMU.img, "bitmap", "--add", "marked", "b0")
    for image in ("marked", "kept"):
        good(NEMU.img, "snapshot", "-c", "s", image)
    for fmt, image in (("raw", "raw"), ("qcow2", "qcow2"), ("raw", "base"),
                       ("qcow2", "marked"), ("qcow2", "kept")):
        good(NEMU.io, "-f", fmt, "-c", "write -q -P 5 64k 100k", image)
    good(NEMU.img, "bitmap", "--add", "--disable", "marked", "b1")
    good(NEMU.io, "-f", "qcow2", "-c", "write -q -P 7 1M 64k", "top")
    shutil.copy("raw", "copy")


def facts(image: str) -> tuple:
    """What is in an image, without what is there by chance."""
    status, out, err = run(NEMU.img, "info", "-U", "--output=json", image)
    if status:
        return (err,)
    info = json.loads(out)
    status, out, content = run(NEMU.img, "convert", "-U", "-O", "raw", image,
                               "../content")
    if status == 0:
        with open("../content", "rb") as f:
            content = hashlib.sha256(f.read()).hexdigest()
    data = info.get("format-specific", {}).get("data", {})
    data.get("bitmaps", []).sort(key=lambda b: b["name"])
    return (info["format"], info["virtual-size"], info.get("backing-filename"),
            json.dumps(data, sort_keys=True),
            [s["name"] for s in info.get("snapshots", [])], content)


def same(a: str, b: str) -> bool:
    if not os.path.exists(b) or os.path.getsize(a) != os.path.getsize(b):
        return False
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


def outcome(program: str, args: list) -> tuple:
    """What the command says, and makes of the images."""
    shutil.copytree("images", "work")
    os.chdir("work")
    try:
        status, out, err = run(program, *args)
        out = out.split("Run completed")[0]     # of bench: times
        changed = {name: facts(name) for name in sorted(os.listdir("."))
                   if not same(name, "../images/" + name)}
    finally:
        os.chdir("..")
        shutil.rmtree("work")
    out, err = plain(out), plain(err)
    if "--output=json" in args and out[:1] in ("{", "["):
        out = json.dumps(json.loads(out), sort_keys=True)
    if args[0] == "snapshot":           # dates
        out = re.sub(r"\d\d:\d\d:\d\d(\.\d+)?|\d{4}-\d\d-\d\d", "TIME", out)
    return status, out, err, changed


def compare(lines: list, peer: str) -> None:
    os.mkdir("images")
    os.chdir("images")
    prepare()
    os.chdir("..")
    wrong = []
    for line in lines:
        mine, theirs = (outcome(p, words(line)) for p in (NEMU.img, peer))
        if mine != theirs:
            wrong.append("%s\n  nemu: %s\n  qemu: %s" % (line, mine, theirs))
    check(not wrong, "\n" + "\n".join(wrong))


def options(text: str) -> dict:
    """Those of each command, from the synopses in the help."""
    found = {}
    for line in text.split("Command syntax:\n")[1].splitlines():
        if not line.startswith("  "):
            break
        found[line.split()[0]] = set(re.findall(
            r"(?<![\w-])(--?[A-Za-z][\w-]*)", line))
    return found


@test
def each_has_its_line() -> None:
    for command, names in options(good(NEMU.img, "--help")).items():
        used = {w.split("=")[0] for line in LINES.splitlines()
                if line.split()[:1] == [command] for w in words(line)}
        check(names <= used, command, names - used)


@test
def none_is_missing() -> None:
    ours = options(good(NEMU.img, "--help"))
    for command, names in options(good(qemu().img, "--help")).items():
        check(names <= ours.get(command, set()), command, names, ours)


@test
def as_qemu() -> None:
    compare(LINES.strip().splitlines(), qemu().img)


@test
def later_ones() -> None:
    """Where the peer knows them; here they work anyhow."""
    os.mkdir("images")
    os.chdir("images")
    prepare()
    os.chdir("..")
    try:
        peer = good(qemu().img, "--help")
    except Skip:
        peer = ""
    for name, line in LATER.items():
        status, _, err, _ = outcome(NEMU.img, words(line))
        check(status == 0, line, err)
        if peer and name.split()[1] in options(peer)["rebase"]:
            check(outcome(qemu().img, words(line))[0] == 0, line)


if __name__ == "__main__":
    sys.exit(main())
