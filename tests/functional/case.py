# SPDX-License-Identifier: GPL-2.0-or-later
"""How a functional test is declared, found and run.

A case is a function test_*(env, ...) in a test_*.py file, marked @case.
    @case(needs=["bzimage", "guest"], params={"cpus": [1, 2, 4]})
    def test_boot(env, cpus): ...
Each combination of the parameters is a case of its own, named
file/function-value-value. A case passes by returning.
"""
import importlib.util
import itertools
import os
import shutil
import signal
import sys
import time
import traceback
from typing import Any, Callable, Dict, List, Optional, Sequence

import busy

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77


class SkipCase(Exception):
    """Raised by a case that cannot run here; the text says why."""


class Case:
    """One function with one set of parameters."""

    def __init__(self, name: str, path: str, function: Callable[..., None],
                 arguments: Dict[str, Any]) -> None:
        self.name = name
        self.path = path
        self.function = function
        self.arguments = arguments
        marks = getattr(function, "case_marks")
        self.needs: List[str] = marks["needs"]
        self.timeout: float = marks["timeout"]
        self.machines: Optional[List[str]] = marks["machines"]


def case(needs: Sequence[str] = ("bzimage", "guest"), timeout: float = 300,
         params: Optional[Dict[str, Sequence[Any]]] = None,
         machines: Optional[Sequence[str]] = None
         ) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test function.

    needs: what run.py prepares: bzimage, vmlinux, guest, bare (initramfs),
    root (disk vda), scratch (disk), libvirt (programs in the machine)
    machines: run only with these; all when None
    """
    def mark(function: Callable[..., None]) -> Callable[..., None]:
        setattr(function, "case_marks", {
            "needs": list(needs), "timeout": timeout, "params": params or {},
            "machines": list(machines) if machines else None})
        return function
    return mark


def load_file(path: str) -> List[Case]:
    sys.path.insert(0, HERE)
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases = []
    for key, function in vars(module).items():
        if not key.startswith("test_") or not hasattr(function, "case_marks"):
            continue
        params = function.case_marks["params"]
        for values in itertools.product(*params.values()):
            words = [key[len("test_"):]] + [str(v) for v in values]
            cases.append(Case(
                "%s/%s" % (name[len("test_"):], "-".join(words)), path,
                function, dict(zip(params, values))))
    return cases


def load_all() -> List[Case]:
    files = sorted(name for name in os.listdir(HERE)
                   if name.startswith("test_") and name.endswith(".py"))
    return [c for name in files for c in load_file(os.path.join(HERE, name))]


def out_of_time(*_unused: object) -> None:
    """The lab's time is up: tell where the case stands and who is busy."""
    print(busy.report(), flush=True)
    raise TimeoutError("the case's time is up")


def main() -> int:
    """case.py FILE NAME: run one case here, as run.py does in the lab."""
    from guest import Env
    signal.signal(signal.SIGTERM, out_of_time)
    path, name = sys.argv[1:3]
    chosen = [c for c in load_file(path) if c.name == name]
    if not chosen:
        print("no case '%s' in %s" % (name, path))
        return 1
    start = time.monotonic()
    env = Env.from_environment()
    try:
        chosen[0].function(env, **chosen[0].arguments)
    except SkipCase as reason:
        print("skipped: %s" % reason)
        return SKIPPED
    except Exception:                   # pylint: disable=broad-except
        sys.stdout.flush()              # the reason comes last
        traceback.print_exc()
        return 1
    finally:
        shutil.rmtree(env.folder, ignore_errors=True)
    print("passed in %.1f s" % (time.monotonic() - start))
    return 0


if __name__ == "__main__":
    sys.exit(main())
