# SPDX-License-Identifier: GPL-2.0-or-later
"""A small QMP client over a unix socket."""
import json
import socket
import time
from typing import Any, Callable, Dict, List, Optional


class QMPError(Exception):
    """The server answered with an error; .error is its body."""

    def __init__(self, command: str, error: Dict[str, Any]) -> None:
        super().__init__("%s: %s" % (command, error.get("desc")))
        self.error = error


class QMPClient:
    """One connection; events that arrive meanwhile are kept in .events."""

    def __init__(self, path: str, timeout: float = 60,
                 alive: Callable[[], bool] = lambda: True,
                 slow: float = 1) -> None:
        """Connect, waiting for the socket while alive() says so.

        slow: what each time-out is multiplied by
        """
        self._slow = slow
        timeout *= slow
        self.events: List[Dict[str, Any]] = []
        self._buffer = b""
        end = time.monotonic() + timeout
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(path)
                break
            except OSError:
                self._socket.close()
                if time.monotonic() > end or not alive():
                    raise ConnectionError("no QMP server at " + path) from None
                time.sleep(0.005)
        self.greeting = self._receive(timeout)
        self.cmd("qmp_capabilities")

    def _receive(self, timeout: float) -> Dict[str, Any]:
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the QMP server hung up")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def raw(self, request: Dict[str, Any],
            timeout: float = 60) -> Dict[str, Any]:
        """Send one request and return the whole answer."""
        timeout *= self._slow
        self._socket.sendall(json.dumps(request).encode() + b"\r\n")
        while True:
            answer = self._receive(timeout)
            if "event" not in answer:
                return answer
            self.events.append(answer)

    def cmd(self, name: str, /, **arguments: Any) -> Any:
        """Run a command; underscores in argument names stand for hyphens.

        Errors: QMPError.
        """
        request: Dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = {
                key.replace("_", "-"): value
                for key, value in arguments.items()}
        answer = self.raw(request)
        if "error" in answer:
            raise QMPError(name, answer["error"])
        return answer["return"]

    def wait_event(self, name: str, timeout: float = 60) -> Dict[str, Any]:
        """Take the first event of a name, waiting for it when needed.

        Errors: TimeoutError, ConnectionError.
        """
        timeout *= self._slow
        end = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            try:
                self.events.append(
                    self._receive(max(0.001, end - time.monotonic())))
            except socket.timeout:
                seen = [e["event"] for e in self.events]
                raise TimeoutError("no event %s in %g s; seen: %s" % (
                    name, timeout, seen)) from None

    def seen(self, name: str) -> bool:
        return any(event["event"] == name for event in self.events)

    def close(self) -> None:
        self._socket.close()


def try_quit(client: Optional[QMPClient]) -> None:
    """Ask the process to end; it may be gone already."""
    if client is None:
        return
    try:
        client.cmd("quit")
    except (OSError, QMPError, ConnectionError):
        pass
