#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Encrypted images: each project's tools, and cryptsetup, open, read and change
what the others made."""
import json
import os
import shutil
import subprocess
import sys
from typing import List

from cases import KIB, MIB
from toolcase import (NEMU, Model, Skip, Tools, check, good, main,
                      plain, qemu, run, test)

SECRETS = ["--object", "secret,id=s,data=hunter2", "--object",
           "secret,id=t,data=other words", "--object", "secret,id=w,data=wrong"]
QUICK = "iter-time=10"
# Of the header; the first is what there is without.
CIPHERS = [
    "",
    "cipher-alg=aes-128,ivgen-alg=plain,hash-alg=sha1",
    "cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=essiv,hash-alg=sha512",
    "cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain",
    "cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256",
]
# QEMU ends itself over key material that does not end at a sector.
NOT_QEMU = "cipher-alg=aes-192,cipher-mode=cbc"
# Of qcow2, one for each.
LAYOUTS = ["", "cluster_size=4k", "extended_l2=on", "compat=0.10",
           "preallocation=metadata"]


def node(driver: str, image: str, secret: str = "s") -> str:
    key = "key-secret" if driver == "luks" else "encrypt.key-secret"
    return "driver=%s,file.filename=%s,%s=%s" % (driver, image, key, secret)


def patient(*args: str) -> str:
    """QEMU's clock for iterations is too coarse now and then."""
    for _ in range(50):
        status, out, err = run(*args)
        if "accurate CPU usage" not in err:
            break
    check(status == 0, args, status, out, err)
    return out


def options(driver: str, cipher: str, layout: str = "") -> str:
    parts = ["key-secret=s", QUICK] + (cipher.split(",") if cipher else [])
    if driver == "qcow2":
        parts = ["encrypt.format=luks"] + ["encrypt." + x for x in parts]
    return ",".join(parts + ([layout] if layout else []))


def create(tools: Tools, driver: str, image: str, opts: str,
           size: int = MIB) -> str:
    return patient(tools.img, "create", "-f", driver, *SECRETS, "-o", opts,
                   image, str(size))


def apply(tools: Tools, name: str, commands: List[str]) -> None:
    args = [tools.io, *SECRETS, "--image-opts"]
    for command in commands:
        args += ["-c", command]
    status, out, err = run(*args, name)
    check(status == 0 and "ailed" not in out, tools.name, name, out, err)


def compare(tools: Tools, name: str) -> None:
    out = good(tools.img, "compare", *SECRETS, "--image-opts", name,
               "driver=raw,file.filename=model")
    check("identical" in out, tools.name, name, out)


def one_way(driver: str, maker: Tools, reader: Tools, number: int) -> None:
    image = "%s-%s-%d" % (maker.name, driver, number)
    layout = LAYOUTS[number] if driver == "qcow2" else ""
    model = Model(MIB, number)
    create(maker, driver, image, options(driver, CIPHERS[number], layout))
    name = node(driver, image)
    # What was never written is noise there, and where QEMU preallocates.
    if driver == "luks" or "preallocation" in layout:
        apply(maker, name, ["write -q -P 0 0 1M"])
    for tools, other in ((maker, reader), (reader, maker)):
        apply(tools, name, model.change(16 * KIB, 30, True))
        model.save("model")
        compare(other, name)
        if driver == "qcow2":
            good(other.img, "check", *SECRETS, "--image-opts", name)
    mine, peer = (good(t.img, "info", image) for t in (NEMU, qemu()))
    check(mine == peer, mine, peer)
    mine, peer = (json.loads(good(t.img, "info", "--output=json", image))
                  for t in (NEMU, qemu()))
    check(mine == peer, mine, peer)
    # Nothing of what was written is there in the open.
    apply(reader, name, ["write -q -P 0x5a 0 64k"])
    with open(image, "rb") as f:
        check(b"\x5a" * 64 not in f.read(), "in the open", image)


@test
def nemu_makes_qemu_reads() -> None:
    for number in range(len(CIPHERS)):
        for driver in ("luks", "qcow2"):
            one_way(driver, NEMU, qemu(), number)


@test
def qemu_makes_nemu_reads() -> None:
    for number in range(len(CIPHERS)):
        for driver in ("luks", "qcow2"):
            one_way(driver, qemu(), NEMU, number)


@test
def old_encryption_both_ways() -> None:
    """encrypt.format=aes: tools go on with such images."""
    for maker, reader in ((NEMU, qemu()), (qemu(), NEMU)):
        model = Model(MIB, 3)
        create(maker, "qcow2", "old", "encrypt.format=aes,encrypt.key-secret=s")
        name = node("qcow2", "old") + ",encrypt.format=aes"
        for tools in (maker, reader):
            apply(tools, name, model.change(16 * KIB, 30, True))
            model.save("model")
            compare(maker, name)
            compare(reader, name)


@test
def convert_both_ways() -> None:
    model = Model(MIB, 8)
    model.change(64 * KIB, 20, True)
    model.save("model")
    for maker, reader in ((NEMU, qemu()), (qemu(), NEMU)):
        for driver in ("luks", "qcow2"):
            patient(maker.img, "convert", *SECRETS, "-O", driver, "-o",
                    options(driver, ""), "model", "out")
            compare(reader, node(driver, "out"))
            good(reader.img, "convert", *SECRETS, "--image-opts", "-O", "raw",
                 node(driver, "out"), "back")
            check(open("back", "rb").read() == model.data, driver)


@test
def backing_chain() -> None:
    """Encrypted on plain, plain on encrypted; a snapshot on the way."""
    for maker, reader in ((NEMU, qemu()), (qemu(), NEMU)):
        model = Model(MIB, 5)
        good(maker.img, "create", "-q", "-f", "qcow2", "base", "1M")
        apply(maker, "driver=qcow2,file.filename=base",
              model.change(16 * KIB, 20, False))
        patient(maker.img, "create", "-q", "-f", "qcow2", *SECRETS, "-b",
                "base", "-F", "qcow2", "-o", options("qcow2", ""), "mid")
        apply(maker, node("qcow2", "mid"), model.change(16 * KIB, 20, False))
        model.save("model")
        good(maker.img, "snapshot", *SECRETS, "--image-opts", "-c", "one",
             node("qcow2", "mid"))
        later = Model(MIB, 6)
        apply(reader, node("qcow2", "mid"), later.change(16 * KIB, 20, False))
        good(reader.img, "snapshot", *SECRETS, "--image-opts", "-a", "one",
             node("qcow2", "mid"))
        good(maker.img, "create", "-q", "-u", "-f", "qcow2", "-b", "mid", "-F",
             "qcow2", "top", "1M")
        top = ("driver=qcow2,file.filename=top,backing.driver=qcow2,"
               "backing.file.filename=mid,backing.encrypt.key-secret=s")
        for tools in (maker, reader):
            compare(tools, node("qcow2", "mid"))
            compare(tools, top)
        apply(reader, top, model.change(16 * KIB, 20, False))
        model.save("model")
        for tools in (maker, reader):
            compare(tools, top)
            good(tools.img, "check", *SECRETS, "--image-opts",
                 node("qcow2", "mid"))


def amend(tools: Tools, driver: str, secret: str, opts: str) -> None:
    if driver == "qcow2":
        opts = ",".join("encrypt." + x for x in opts.split(","))
    patient(tools.img, "amend", *SECRETS, "--image-opts",
            node(driver, "image", secret), "-o", opts)


def opens(tools: Tools, driver: str, secret: str) -> bool:
    status, out, err = run(tools.io, *SECRETS, "--image-opts", "-c",
                           "read -P 7 0 4k", node(driver, "image", secret))
    check(status == 0 or "Invalid password" in err, out, err)
    return status == 0 and "failed" not in out


@test
def passphrases_both_ways() -> None:
    for one, two in ((NEMU, qemu()), (qemu(), NEMU)):
        for driver in ("luks", "qcow2"):
            create(one, driver, "image", options(driver, ""))
            apply(one, node(driver, "image"), ["write -P 7 0 4k"])
            amend(two, driver, "s", "state=active,new-secret=t," + QUICK)
            for tools in (one, two):
                check(opens(tools, driver, "s") and opens(tools, driver, "t"))
            amend(one, driver, "t", "state=inactive,old-secret=s")
            for tools in (one, two):
                check(not opens(tools, driver, "s"))
                check(opens(tools, driver, "t"))
            amend(two, driver, "t",
                  "state=active,new-secret=s,keyslot=5," + QUICK)
            amend(one, driver, "s", "state=inactive,keyslot=1")
            for tools in (one, two):
                check(opens(tools, driver, "s"))
                check(not opens(tools, driver, "t"))
            # The last one stays.
            status, _, err = run(one.img, "amend", *SECRETS, "--image-opts",
                                 node(driver, "image"), "-o",
                                 ("" if driver == "luks" else "encrypt.") +
                                 "state=inactive," +
                                 ("" if driver == "luks" else "encrypt.") +
                                 "keyslot=5")
            check(status == 1 and "refusing" in err, status, err)
            check(opens(two, driver, "s"))


def same_text(*args: str) -> None:
    mine, peer = (run(t.img, *args) for t in (NEMU, qemu()))
    check(mine[0] == peer[0], args, mine, peer)
    check(plain(mine[1]) == plain(peer[1]), args, mine, peer)
    check(plain(mine[2]).replace("encrypt.cipher-alg", "cipher-alg") ==
          plain(peer[2]), args, mine, peer)


@test
def texts() -> None:
    """The same errors, help and sizes."""
    for driver, bare, full in (
            ("luks", ["-o", QUICK], "key-secret=s,"),
            ("qcow2", ["-o", "encrypt.format=luks"],
             "encrypt.format=luks,encrypt.key-secret=s,encrypt.")):
        lines = [plain(create(t, driver, "image", options(driver, "")))
                 for t in (NEMU, qemu())]
        check(lines[0] == lines[1], lines)
        same_text("create", "-q", "-f", driver, *bare, "new", "1M")
        same_text("measure", "-O", driver, "--size", "1M", *bare)
        same_text("create", "-q", "-f", driver, *SECRETS, "-o",
                  full + "cipher-alg=foo", "new", "1M")
        same_text("create", "-f", driver, "-o", "help", "new")
        same_text("amend", "-f", driver, "-o", "help", "image")
        same_text("compare", "image", "image")
        same_text("check", "image")
        same_text("map", "--image-opts", *SECRETS, node(driver, "image", "w"))
        same_text("map", "--image-opts", *SECRETS,
                  node(driver, "image", "none"))
        same_text("convert", "-c", "-O", "qcow2", *SECRETS, "-o",
                  "encrypt.format=luks,encrypt.key-secret=s", "--image-opts",
                  node(driver, "image"), "new")
    for layout in ("", "cluster_size=512", "cluster_size=2M"):
        mine, peer = (patient(t.img, "measure", *SECRETS, "-O", "qcow2",
                              "--size", "40M", "-o",
                              options("qcow2", "", layout))
                      for t in (NEMU, qemu()))
        check(mine == peer, mine, peer)


@test
def cryptsetup_opens() -> None:
    program = shutil.which("cryptsetup", path=os.environ["PATH"] +
                           ":/sbin:/usr/sbin")
    if not program:
        raise Skip("cryptsetup is not installed")
    for cipher in CIPHERS + [NOT_QEMU]:
        create(NEMU, "luks", "image", options("luks", cipher))
        out = good(program, "luksDump", "image")
        check("Key Slot 0: ENABLED" in out and "Key Slot 1: DISABLED" in out,
              out)
        for word, status in (("hunter2", 0), ("wrong", 2)):
            done = subprocess.run([program, "open", "--test-passphrase",
                                   "image"], input=word.encode(), check=False,
                                  stderr=subprocess.PIPE)
            check(done.returncode == status, cipher, word, done)
    with open("image", "wb") as f:
        f.truncate(4 * MIB)
    subprocess.run([program, "luksFormat", "-q", "--type", "luks1",
                    "--pbkdf-force-iterations", "1000", "image"],
                   input=b"hunter2", check=True)
    apply(NEMU, node("luks", "image"), ["write -P 7 0 64k", "read -P 7 0 64k"])
    check(not opens(NEMU, "luks", "w"))


if __name__ == "__main__":
    sys.exit(main())
