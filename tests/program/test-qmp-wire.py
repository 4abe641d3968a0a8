#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How QMP travels: lines, pieces, ids, out-of-band commands, several monitors,
clients that come and go, and every kind of stream that carries it."""
import json
import os
import re
import socket
import subprocess
import time

from program import BINARY, TIMEOUT, Program, check, main, test, wait_for

NONE = ["-M", "none", "-nodefaults"]


def connect(path):
    """A connection after its greeting: (socket, file of lines)."""
    wait_for(lambda: os.path.exists(path), path)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(TIMEOUT)
    client.connect(path)
    lines = client.makefile("rb")
    check("QMP" in json.loads(lines.readline()))
    return client, lines


def negotiate(client, lines):
    client.sendall(b'{"execute":"qmp_capabilities"}')
    check(json.loads(lines.readline()) == {"return": {}})


@test
def greeting():
    with Program(NONE, negotiate=False) as p:
        check(set(p.greeting) == {"QMP"}, p.greeting)
        check(p.greeting["QMP"]["capabilities"] == ["oob"], p.greeting)
        version = p.greeting["QMP"]["version"]
        check(set(version) == {"qemu", "package"}, version)
        check(set(version["qemu"]) == {"major", "minor", "micro"}, version)
        # only the negotiation works before it
        for command in ("query-status", "query-version", "quit"):
            check(p.ask(command)["error"]["class"] == "CommandNotFound")
        check(p.ask("qmp_capabilities", {"enable": ["nope"]}).get("error"))
        check(p.ask("qmp_capabilities", {"enable": ["oob"]}) == {"return": {}})
        check(p.ask("qmp_capabilities")["error"]["class"]
              == "CommandNotFound")


@test
def one_line_each_with_cr_lf():
    with Program(NONE) as p:
        p.socket.sendall(b'{"execute":"query-commands"}'
                         b'{"execute":"query-version","id":1}')
        data = b""
        while data.count(b"\n") < 2:
            data += p.socket.recv(1 << 16)
        check(data.endswith(b"\r\n") and data.count(b"\r\n") == 2
              and data.count(b"\n") == 2, data[-100:])
        for line in data.split(b"\r\n")[:-1]:
            check(len(line) < 1 << 16)
            json.loads(line)


@test
def input_in_pieces():
    """A command runs when its last brace is there, newline or not."""
    with Program(NONE) as p:
        for byte in b'  \r\n\t{"execute": "query-name", "id": "a{b}\\"c"}':
            p.socket.sendall(bytes([byte]))
        check(p.answer() == {"return": {}, "id": 'a{b}"c'})
        p.socket.sendall(b"{'execute':'query-name','id':{'x':[1,null]}}")
        check(p.answer() == {"return": {}, "id": {"x": [1, None]}})


@test
def ids_come_back():
    with Program(NONE) as p:
        for value in (1, -1, 1.5, "x", "", None, True, [1, [2]], {"a": {}}):
            p.send({"execute": "query-name", "id": value})
            check(p.answer() == {"return": {}, "id": value}, value)
            p.send({"execute": "nope", "id": value})
            answer = p.answer()
            check(answer["id"] == value and
                  answer["error"]["class"] == "CommandNotFound", answer)


@test
def nonsense_is_survived():
    """Each gives one error or none; then the session goes on."""
    for data in (b"nonsense ", b"}", b"]", b"[1,2]", b'"text"', b"{}",
                 b'{"execute":1}', b'{"execute":"query-name","more":1}',
                 b'{"execute":"query-name","arguments":[]}',
                 b'{"exec-oob":"query-name"}', b"\xff\xfe\x00", b"\x01",
                 b'{"a":"\xc3\x28"}', b"[" * 5000, b'{"a":' * 3000,
                 b'{"execute":"query-name","arguments":{"x":1}}',
                 b"1" * 100000 + b" ", b'{"id":' + b"9" * 400 + b"}"):
        with Program(NONE) as p:
            p.socket.sendall(data + b"\n")
            p.socket.sendall(b"\xff\n")         # ends what may be open
            p.send({"execute": "query-name", "id": "after"})
            while True:
                answer = p.answer()
                if answer.get("id") == "after":
                    break
                check("error" in answer, data[:40], answer)
            check(answer == {"return": {}, "id": "after"}, data[:40], answer)


@test
def a_line_without_end_is_refused():
    """What a client makes the program keep in memory has a bound."""
    with Program(NONE) as p:
        piece = b'{"execute":"' + b"x" * (1 << 20)
        p.socket.settimeout(TIMEOUT)
        try:
            for _ in range(200):
                p.socket.sendall(piece)
                piece = b"x" * (1 << 20)
                p.socket.setblocking(False)
                try:
                    p.buffer += p.socket.recv(1 << 16)
                    break
                except BlockingIOError:
                    pass
                p.socket.settimeout(TIMEOUT)
        except (BrokenPipeError, ConnectionResetError):
            pass
        with open("/proc/%d/status" % p.process.pid, encoding="utf-8") as f:
            peak = int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])
        check(peak < 512 << 10, "peak memory", peak, "KiB")
        check(p.process.poll() is None)


@test
def out_of_band():
    with Program([*NONE, "-qmp", "unix:q,server=on,wait=off"]) as p:
        client, lines = connect("q")
        client.sendall(b'{"execute":"qmp_capabilities",'
                       b'"arguments":{"enable":["oob"]}}')
        check(json.loads(lines.readline()) == {"return": {}})
        client.sendall(b'{"exec-oob":"query-name","id":1}')
        check("error" in json.loads(lines.readline()))
        oob = [e["name"] for e in p.get("query-qmp-schema")
               if e.get("allow-oob")]
        for name in oob:
            client.sendall(json.dumps({"exec-oob": name}).encode())
            check("CommandNotFound" not in lines.readline().decode(), name)
        client.close()


@test
def several_monitors():
    """Answers go to who asked, events to all who have negotiated."""
    with Program([*NONE, "-qmp", "unix:a,server=on,wait=off", "-qmp",
                  "unix:b,server=on,wait=off", "-qmp-pretty",
                  "unix:c,server=on,wait=off"]) as p:
        a, a_lines = connect("a")
        b, b_lines = connect("b")
        negotiate(a, a_lines)
        a.sendall(b'{"execute":"stop"}')
        seen = [json.loads(a_lines.readline()) for _ in range(2)]
        check({"return": {}} in seen, seen)
        check(p.wait_event("STOP"))
        negotiate(b, b_lines)               # it got no event before
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(TIMEOUT)
        c.connect("c")
        text = b""
        while not text.endswith(b"}\r\n"):
            text += c.recv(4096)
        check(text.count(b"\n") > 5, text)
        check("QMP" in json.loads(text))
        for s in (a, b, c):
            s.close()


@test
def clients_come_and_go():
    with Program([*NONE, "-qmp", "unix:a,server=on,wait=off"]) as p:
        for count in range(20):
            client, lines = connect("a")
            if count % 3 == 0:
                negotiate(client, lines)
            if count % 3 == 1:
                client.sendall(b'{"execute":"query-st')
            lines.close()
            client.close()
        client, lines = connect("a")
        negotiate(client, lines)
        client.sendall(b'{"execute":"query-name"}')
        check(json.loads(lines.readline()) == {"return": {}})
        client.close()
        fds = len(os.listdir("/proc/%d/fd" % p.process.pid))
        check(fds < 40, "open descriptors:", fds)


@test
def a_client_that_does_not_read():
    """It holds up itself, not the others; its memory is bounded."""
    with Program([*NONE, "-qmp", "unix:a,server=on,wait=off"]) as p:
        client, lines = connect("a")
        negotiate(client, lines)
        client.setblocking(False)
        try:
            for _ in range(5000):
                client.send(b'{"execute":"query-qmp-schema"}' * 20)
        except BlockingIOError:
            pass
        start = time.monotonic()
        p.get("query-status")
        check(time.monotonic() - start < TIMEOUT / 2)
        with open("/proc/%d/status" % p.process.pid, encoding="utf-8") as f:
            resident = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        check(resident < 256 << 10, "resident memory", resident, "KiB")
        client.close()
        p.get("query-status")


@test
def a_client_that_does_not_read_cannot_hold_the_end():
    """Neither of QMP nor of the human monitor."""
    with Program([*NONE, "-qmp", "unix:a,server=on,wait=off", "-monitor",
                  "unix:h,server=on,wait=off"]) as p:
        client, lines = connect("a")
        negotiate(client, lines)
        client.sendall(b'{"execute":"query-qmp-schema"}' * 100)
        wait_for(lambda: os.path.exists("h"), "h")
        human = socket.socket(socket.AF_UNIX)
        human.connect("h")
        human.sendall(b"info qom-types\n" * 200)
        for _ in range(20):
            p.get("query-status")           # the others go on meanwhile
            time.sleep(0.01)
        start = time.monotonic()
        p.process.terminate()
        p.wait_exit()
        check(time.monotonic() - start < TIMEOUT / 2)
        client.close()
        human.close()


@test
def descriptors_with_commands():
    with Program(NONE) as p:
        ends = os.pipe()
        p.get("getfd", {"fdname": "one"}, fds=[ends[0]])
        p.get("getfd", {"fdname": "one"}, fds=[ends[0]])    # replaces
        p.get("closefd", {"fdname": "one"})
        check("error" in p.ask("getfd", {"fdname": "none"}))
        # those of a command that takes none are closed
        before = len(os.listdir("/proc/%d/fd" % p.process.pid))
        for _ in range(50):
            p.ask("query-name", fds=[ends[0]])
        after = len(os.listdir("/proc/%d/fd" % p.process.pid))
        check(after <= before + 1, before, after)
        for end in ends:
            os.close(end)


@test
def names_of_descriptors_are_the_monitor_s():
    with Program([*NONE, "-qmp", "unix:a,server=on,wait=off"]) as p:
        client, lines = connect("a")
        negotiate(client, lines)

        def ask(command, arguments, fds=()):
            socket.send_fds(client, [json.dumps(
                {"execute": command, "arguments": arguments}).encode()], fds)
            return json.loads(lines.readline())

        one, other = {"fdname": "one"}, os.pipe()
        unknown = {"error": {"class": "GenericError", "desc":
                             "File descriptor named 'one' not found"}}
        p.get("getfd", one, fds=[other[0]])
        check(ask("closefd", one) == unknown)
        check(ask("getfd", one, [other[1]]) == {"return": {}})
        p.get("closefd", one)
        check(p.ask("closefd", one) == unknown)
        # A set is everybody's.
        p.get("add-fd", {"fdset-id": 5}, fds=[other[0]])
        check(ask("remove-fd", {"fdset-id": 5}) == {"return": {}})
        # The next client of the monitor finds what was left there.
        lines.close()
        client.close()
        client, lines = connect("a")
        negotiate(client, lines)
        check(ask("closefd", one) == {"return": {}})
        lines.close()
        client.close()
        for end in other:
            os.close(end)


@test
def over_standard_streams():
    process = subprocess.Popen([BINARY, *NONE, "-qmp", "stdio"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    check("QMP" in json.loads(process.stdout.readline()))
    process.stdin.write(b'{"execute":"qmp_capabilities"}'
                        b'{"execute":"quit"}')
    process.stdin.flush()
    check(json.loads(process.stdout.readline()) == {"return": {}})
    check(json.loads(process.stdout.readline()) == {"return": {}})
    check(process.wait(TIMEOUT) == 0)


@test
def over_tcp():
    with Program([*NONE, "-chardev", "socket,id=t,host=127.0.0.1,port=0,"
                  "server=on,wait=off", "-mon", "t,mode=control"]) as p:
        name = next(c["filename"] for c in p.get("query-chardev")
                    if c["label"] == "t")
        port = int(re.search(r":(\d+),server", name)[1])
        client = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        lines = client.makefile("rb")
        check("QMP" in json.loads(lines.readline()))
        negotiate(client, lines)
        client.close()


@test
def over_an_inherited_socket():
    """The client is in the queue before the program runs."""
    with Program([*NONE, "-qmp", "unix:fd=%d,server=on,wait=off"],
                 listen=True) as p:
        p.get("query-status")


@test
def program_waits_for_its_client():
    """server=on,wait=on: nothing happens before somebody connects."""
    process = subprocess.Popen(
        [BINARY, *NONE, "-qmp", "unix:w,server=on,wait=on", "-pidfile", "pid"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        client, lines = connect("w")
        negotiate(client, lines)
        client.sendall(b'{"execute":"quit"}')
        check(process.wait(TIMEOUT) == 0)
        client.close()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
