#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tools print and how they exit, beside QEMU's: the same commands
on the same images, one after the other."""
import json
import os
import shutil
import sys

from toolcase import NEMU, Tools, check, good, main, plain, qemu, run, test

# Each line is run in a directory with the images of prepare().
IMG = """
create
create -f nope z 1M
create -f qcow2 z
create -f qcow2 z 1X
create -f qcow2 z -- -1M
create -f qcow2 z 1.5M
create -f qcow2 z 1M 2M
create -f qcow2
create -Z
create -f
create -f raw -b raw z
create -f raw -o cluster_size=4k z 1M
create -f qcow2 /nonexistent/z 1M
create -f qcow2 z 9E
create -f qcow2 z 0
create -f qcow2 z 10P
create -f qcow2 -u -b nope z 1M
create -f qcow2 z 1000
create -f raw z 1000
create -f qcow2 -F raw z 1M
create -f qcow2 -b raw -F nope z
create -q -f qcow2 z 1M
create -f file z 1M
create -f null-co z 1M
create -f qcow2 -b z2 -F raw z2
create -f qcow2 z 1024E
create -f raw -o preallocation=metadata z 1M
create -f raw -o preallocation=xx z 1M
create -f qcow2 -b raw -F raw z
create -f qcow2 -b raw -F raw z 3M
create -f qcow2 -b raw z
create -f qcow2 -b ./a:b -F raw folder/z
create -f qcow2 -b nope -F raw folder/z
create -f qcow2 -b nope -F raw ./z
create -f qcow2 -b nope -F raw z
create -f qcow2 -u -b nope -F raw z
create -f qcow2 -u -b nope -F raw z 1M
create -f qcow2 -o compat=v9 z 1M
create -f qcow2 -o cluster_size=1000 z 1M
create -f qcow2 -o cluster_size=256 z 1M
create -f qcow2 -o refcount_bits=3 z 1M
create -f qcow2 -o refcount_bits=128 z 1M
create -f qcow2 -o preallocation=bad z 1M
create -f qcow2 -o compression_type=x z 1M
create -f qcow2 -o lazy_refcounts=maybe z 1M
create -f qcow2 -o cluster_size=x z 1M
create -f qcow2 -o nope=1 z 1M
create -f qcow2 -o compat=0.10,lazy_refcounts=on z 1M
create -f qcow2 -o compat=0.10,refcount_bits=8 z 1M
create -f qcow2 -o extended_l2=on,cluster_size=4k z 1M
create -f qcow2 -o data_file_raw=on z 1M
create -f qcow2 -o backing_fmt=xx z 1M
create -f qcow2 -o compat=0.10,compression_type=zstd z 1M
create -f qcow2 -o compat=0.10,data_file=q z 1M
create -f qcow2 -o compat=0.10,extended_l2=on z 1M
create -f qcow2 -o size=5M z 1M
create -f qcow2 -o size=5M z
create -f qcow2 -o size=x z
create -f qcow2 -o cluster_size=4k -o lazy_refcounts=on z 1M
info
info a b
info nope
info -f qcow2 raw
info -f nope raw
info --image-opts -f raw raw
info --image-opts driver=qcow2,file.filename=qcow2
info --output=x raw
info qcow2
info raw
info odd
info empty
info top
info v2
info json:{}
info json:{"file.filename":"qcow2"}
info json:{"driver":"qcow2","file.filename":"qcow2"}
info json:{"driver":"qcow2","file.driver":"file","file":{"filename":"qcow2"}}
map json:{"driver":"raw","file.driver":"file","file.filename":"raw"}
map --output=json json:{"driver":"qcow2","file.filename":"top","backing.driver":"qcow2","backing.file.driver":"file","backing.file.filename":"qcow2"}
info --backing-chain top
info -U --backing-chain top
info --output=json empty
info --backing-chain --output=json top
map
map --start-offset=x qcow2
map --start-offset=2G qcow2
map --max-length=x qcow2
map qcow2
map raw
map top
map empty
map --output=json qcow2
map --output=json raw
map --output=json top
map --output=json compressed
map compressed
map --output=json empty
map --output=json odd
map --output=json --start-offset=64k --max-length=64k qcow2
check
check raw
check qcow2
check v2
check compressed
check --output=json qcow2
check --output=json empty
check nope
check -r x qcow2
check -q qcow2
check -r all qcow2
check -f raw qcow2
check leak
check -r leaks leak
check -r all leak
check high
check -r leaks high
check -r all high
check twice
check -r leaks twice
check -r all twice
check bits
check -r leaks bits
check -r all bits
check -q -r all leak
check --output=json -r leaks twice
check --output=json -r all twice
resize qcow2 512k
resize --shrink qcow2 512k
resize -f raw raw 8M
resize qcow2 +1M
resize qcow2 x
resize --shrink qcow2 0
resize qcow2 0
resize qcow2 -- -40M
resize qcow2
resize
resize --preallocation=foo qcow2 80M
resize --preallocation=full qcow2 8M
resize -q qcow2 9M
resize top 1000001
resize --shrink -f raw raw 1000
compare qcow2 raw
compare -s qcow2 raw
compare -s raw raw
compare qcow2 nope
compare qcow2
compare -q qcow2 raw
compare -f raw -F raw raw copy
compare -f raw -F raw raw longer
compare -f raw -F raw longer raw
compare qcow2 top
measure --size 1G -O qcow2
measure --size 1G -O raw --output=json
measure --size 1G -O qcow2 --output=json
measure
measure --size 1M qcow2
measure -O nope --size 1M
measure -O qcow2 --size x
measure -o x=1 --size 1G -O qcow2
measure -O qcow2 -o cluster_size=4k,preallocation=full --size 1G
measure -O qcow2 raw
snapshot -l qcow2
snapshot
snapshot qcow2
snapshot -c a -d b qcow2
snapshot -a nope qcow2
snapshot -d nope qcow2
snapshot -d 1 marked
snapshot -l corrupt
snapshot -c one raw
amend qcow2
amend -o foo=1 qcow2
amend -o cluster_size=4k qcow2
bitmap --add qcow2
bitmap qcow2 b
bitmap --remove -g 4k qcow2 b
bitmap --add --merge b0 -b marked -F qcow2 below b2
bitmap --add lost b
bitmap -b raw --add qcow2 b
bitmap -F raw --add qcow2 b
dd if=raw of=z
dd if=raw of=z bs=512 count=1
dd if=raw of=z bs=64k skip=1 count=2
dd if=raw of=z -O qcow2
dd if=raw
dd foo=raw
dd raw
dd bs=0 if=raw of=z
dd bs=x if=raw of=z
dd if=nope of=z
dd -O nope if=raw of=z
rebase qcow2
rebase -u -b foo -F raw top
rebase -u -b raw top
rebase -b nope -F raw top
rebase -b raw -F nope top
rebase -u -b '' top
rebase -b ./a:b -F raw folder/top
rebase -b nope -F raw folder/top
info folder/top
map folder/top
commit qcow2
commit -b foo top
commit raw
commit top
commit -d top
commit -q top
commit --image-opts driver=qcow2,file.filename=marked
commit nope
convert
convert qcow2
convert -O nope qcow2 z
convert -O raw nope z
convert -O raw qcow2 z
convert -c -O raw qcow2 z
convert -n -O raw qcow2 znone
convert -S 100 qcow2 z
convert -S x qcow2 z
convert -m 99 qcow2 z
convert -m 0 qcow2 z
convert -B raw -O qcow2 qcow2 z
convert -o backing_file=raw -O qcow2 qcow2 z
convert -t foo qcow2 z
convert -T foo qcow2 z
convert -l nosuch qcow2 z
convert --target-is-zero qcow2 z
convert -C -S 4k qcow2 z
convert -C -c qcow2 z
convert -n -o size=1M -O raw qcow2 longer
convert --target-image-opts qcow2 z
convert -r x qcow2 z
convert -n -O raw longer raw
convert -O qcow2 raw /nonexistent/z
convert -O qcow2 raw odd z
convert -O qcow2 -B base -F raw top z
convert --bitmaps -O raw qcow2 z
convert --bitmaps -O qcow2 raw z
convert -f raw -O raw raw raw
convert -n -f raw -O raw raw raw
convert -f raw -O qcow2 raw raw
convert -c -O qcow2 -o preallocation=metadata raw z
convert -n -O raw raw null-co://
info null-co://x
bench -t foo qcow2
bench -i foo qcow2
bench --flush-interval=1 qcow2
bench -w -d 4 --flush-interval=2 qcow2
bench -c x qcow2
bench -q -c 5 -d 2 -s 8k -S 64k -o 4k qcow2
bench -w -c 10 -d 2 --flush-interval=4 qcow2
bench -o 100M qcow2
nosuchcommand
"""

# What differs, and why that is right.
DIFFERENT = {
    "create -f qcow2 -b raw z": "QEMU forgets the end of the line",
    "measure -O nope --size 1M": "another place where it is noticed",
}

IO = """
read 0 512
read -v 0 32
read -P 5 0 512
read -P 5 -s 100 -l 10 0 512
read -P 5 -s 1000 0 512
read -l 5 0 512
read 0
read
read x 5
read 0 x
read -P zz 0 512
read 10M 512
read 1 1
read 0 3G
read -p 0 512
read -Cq 0 512
write -P 6 0 512
write -z 0 64k
write -P 300 0 512
write -n 0 1k
write -z -P 5 0 1k
write -f 0 1k
write -u 0 1k
write -q 0 512
write 0 1000
write 0 30M
write -s nofile 0 512
readv 0 512 512
readv 0 512 x
readv -P 6 0 512 512
writev -P 5 0 512 1k
aio_read 0 512
aio_read -q 0 512
aio_read -v 0 16
aio_read 0
aio_write -P 4 0 512
aio_write -z 0 64k
aio_write -i 0 512
aio_write 0 x
aio_flush
flush
discard 0
discard 0 50M
map
alloc 0 1M
alloc 0
alloc 50M
alloc 0 50M
length
truncate 3M
truncate -m foo 4M
truncate x
truncate 1000
info
open x
close
reopen -r
reopen
sleep 10
sleep
break a b
resume a
remove_break a
quit
abort
sigraise
sigraise x
sigraise 400
sigraise 0
sigraise 15
foo
help
help nosuch
"""


# Name, and what is written where: the clusters of "qcow2" are header, table
# and block of counts, L1, L2, two of data.
DAMAGED = [
    ("leak", 0x40010, 0, 8),                        # of the L2 entry
    ("high", 0x2000c, 5, 2),                        # the count of data
    ("twice", 0x40010, 0x8000000000050000, 8),
    ("bits", 0x40010, 0x8000000000060004, 8),
]


def prepare() -> None:
    """Made by QEMU, copied for each command."""
    peer = qemu()
    make = [peer.img, "create", "-q", "-f"]
    for args in (["raw", "raw", "2M"], ["raw", "longer", "3M"],
                 ["raw", "odd", "1M"], ["raw", "empty", "0"],
                 ["qcow2", "qcow2", "2M"], ["raw", "base", "2M"],
                 ["qcow2", "-b", "base", "-F", "raw", "top"],
                 ["qcow2", "-o", "compat=0.10", "v2", "2M"]):
        good(*make, *args)
    for image_format, image in (("raw", "raw"), ("qcow2", "qcow2"),
                                ("raw", "base"), ("qcow2", "v2")):
        good(peer.io, "-f", image_format, "-c", "write -q -P 5 64k 100k",
             image)
    good(peer.io, "-f", "qcow2", "-c", "write -q -P 7 1M 64k", "top")
    good(peer.img, "convert", "-c", "-O", "qcow2", "raw", "compressed")
    good(*make, "qcow2", "below", "2M")
    good(*make, "qcow2", "-b", "below", "-F", "qcow2", "marked")
    good(*make, "qcow2", "-u", "-b", "missing", "-F", "raw", "lost", "2M")
    good(peer.img, "snapshot", "-c", "one", "marked")
    good(peer.img, "bitmap", "--add", "marked", "b0")
    good(*make, "qcow2", "corrupt", "2M")
    with open("corrupt", "r+b") as f:
        f.seek(79)              # the incompatible features
        f.write(b"\2")
    for name, offset, value, size in DAMAGED:
        shutil.copy("qcow2", name)
        with open(name, "r+b") as f:
            f.seek(offset)
            f.write(value.to_bytes(size, "big"))
    shutil.copy("raw", "copy")
    os.mkdir("folder")
    shutil.copy("raw", "folder/a:b")
    good(peer.img, "create", "-q", "-f", "qcow2", "-b", "./a:b", "-F", "raw",
         "folder/top")
    os.truncate("odd", 1000)


def answer(program: str, args: list, stem: str) -> tuple:
    """What it does in a fresh copy of the images."""
    shutil.copytree("images", "work")
    here = os.getcwd()
    os.chdir("work")
    try:
        status, out, err = run(program, *args)
    finally:
        os.chdir(here)
        shutil.rmtree("work")
    out, err = plain(out), plain(err)
    if "--output=json" in args and out[:1] in ("{", "["):
        out = json.dumps(json.loads(out), sort_keys=True)
    return status, out.replace(stem, "PROG"), err


def compare_all(lines: str, mine: str, peer: str, front: list) -> None:
    os.mkdir("images")
    os.chdir("images")
    prepare()
    os.chdir("..")
    wrong = []
    for line in lines.strip().splitlines():
        if line in DIFFERENT:
            continue
        args = [a.replace("''", "") for a in line.split()]
        if front:
            args = [*front, "-c", line, "qcow2"]
        seen = [answer(p, args, os.path.basename(p)) for p in (mine, peer)]
        if line.startswith("bench"):
            seen = [(s, o.split("Run completed")[0], e) for s, o, e in seen]
        if seen[0] != seen[1]:
            wrong.append("%s\n  nemu: %s\n  qemu: %s" % (line, *seen))
    check(not wrong, "\n" + "\n".join(wrong))


@test
def img_texts() -> None:
    compare_all(IMG, NEMU.img, qemu().img, [])


@test
def io_texts() -> None:
    compare_all(IO, NEMU.io, qemu().io, ["-f", "qcow2"])


def exit_status(tools: Tools, *args: str) -> int:
    return run(tools.img, *args)[0]


@test
def help_and_version() -> None:
    for program in NEMU.img, NEMU.io:
        for option in ("--help", "-h", "--version", "-V"):
            status, out, err = run(program, option)
            check(status == 0 and err == "" and len(out) > 40, option, out)
    for command in ("create", "info", "convert", "bench"):
        check(exit_status(NEMU, command, "--help") == 0, command)
    check(exit_status(NEMU) == 1)


@test
def option_help() -> None:
    """All options that we have are QEMU's, with its words."""
    for args in (["-f", "qcow2"], ["-f", "raw"], ["-f", "qcow2", "x"]):
        command = ["create", "-o", "help", *args]
        mine = good(NEMU.img, *command).splitlines()
        peer = good(qemu().img, *command).splitlines()
        check(len(mine) > 1 and set(mine) <= set(peer), mine, peer)


@test
def io_open_by_options() -> None:
    """Each -o counts, and --image-opts is for what is opened later, too."""
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "1M")
    commands = [
        ["-c", "open -o driver=qcow2 -o cache-size=1M x"],
        ["-c", "open -o driver=qcow2,file.filename=x -o lazy-refcounts=on"],
        ["-c", "open -d off -t none x"],
        ["--image-opts", "-c", "open driver=qcow2,file.filename=x"]]
    for tools in NEMU, qemu():
        for command in commands:
            good(tools.io, *command, "-c", "write -q 0 64k")
    for bad, text in (("open -d foo x", "Invalid discard option: foo"),
                      ("open -t foo x", "Invalid cache option: foo")):
        for tools in NEMU, qemu():
            status, _, err = run(tools.io, "-c", bad)
            check(status == 1 and text in err, tools.name, status, err)


@test
def bad_json_names() -> None:
    """An image can have them in its header."""
    for name in ('{"driver":"raw","file":{"filename":null}}',
                 '{"file":{"filename":null}}', '{"file":null}', '{"0":1}',
                 '{"driver":"raw","file":{"filename":5}}', '{"driver":null}',
                 '{"driver":"nbd","path":null}', '{"file.filename":{}}',
                 '{"file":"x","file.filename":"y"}', '[]', ''):
        status, _, err = run(NEMU.img, "info", "json:" + name)
        check(status == 1 and "Could not open" in err and
              "CRITICAL" not in err, name, status, err)
        good(NEMU.img, "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b",
             "json:" + name.replace(",", ",,"), "x", "1M")
        status, _, err = run(NEMU.img, "map", "x")
        check(status == 1, name, status, err)


@test
def order_of_bitmaps() -> None:
    """Who writes the image leaves it alone."""
    good(NEMU.img, "create", "-q", "-f", "qcow2", "x", "1M")
    for name in "a", "b", "c":
        good(NEMU.img, "bitmap", "--add", "x", name)
    good(NEMU.img, "bitmap", "--disable", "x", "b")
    info = json.loads(good(NEMU.img, "info", "--output=json", "x"))
    names = [b["name"] for b in info["format-specific"]["data"]["bitmaps"]]
    check(names == ["a", "b", "c"], names)


@test
def io_from_standard_input() -> None:
    """Commands, prompt and exit status."""
    good(NEMU.img, "create", "-q", "-f", "raw", "x", "1M")
    status, out, err = run("sh", "-c", "printf 'read -q 0 512\\nfoo\\n' | "
                           "%s -f raw x" % NEMU.io)
    check(status == 1 and out == "nemu-io> nemu-io> nemu-io> \n" and
          err == 'command "foo" not found\n', status, out, err)


if __name__ == "__main__":
    sys.exit(main())
