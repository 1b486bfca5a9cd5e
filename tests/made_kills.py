"""Calls that are killed: a process that has robustkit loaded forks for each, so that most kills land in the work itself."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

_SOURCE = """
import importlib, json, os, sys, traceback
from pathlib import Path
for name in sys.argv[2:]:
    importlib.import_module(name)
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1), os.dup2(log, 2)
        try:
            module, _, name = order["call"].partition(":")
            paths = {k: [Path(p) for p in v] if isinstance(v, list) else Path(v) for k, v in order["paths"].items()}
            getattr(importlib.import_module(module), name)(**order["given"], **paths)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
_LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the library: ``module:name``, what it is given, and paths among that."""

    name: str
    given: Mapping[str, Any]
    paths: Mapping[str, Any]


@dataclass(slots=True)
class Landed:
    """Where kills landed: in ``start`` before anything in the folder had changed, in ``work`` after it, or ``over``."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def kills(self) -> int:
        """Give how many there were."""
        return self.counts["work"] + self.counts["start"]

    @property
    def note(self) -> str:
        """Give ``20 in work, 5 at the start``."""
        return f"{self.counts['work']} in work, {self.counts['start']} before the first write"


class Nursery:
    """Forks a child for every call, and kills it where asked.

    Args:
        log: File that children write to.
        modules: That are loaded before the first fork.
    """

    def __init__(self, log: Path, *modules: str) -> None:
        self._log = log
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", _SOURCE, str(log), *modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        self._process.wait(timeout=60)
        self._process.stdout.close()  # type: ignore[union-attr]

    def run(self, call: Call) -> float:
        """Run a call to its end; give the seconds that it took."""
        begun = time.monotonic()
        self._start(call)
        assert self._status(_LIMIT_S) == 0, self._log.read_text()
        return time.monotonic() - begun

    def kill(self, call: Call, watched: Path, *, after_s: float | None, writes: int = 1, then_s: float = 0.0) -> str:
        """Start a call and kill it; give where that landed.

        Args:
            call: The call.
            watched: Folder that it writes to.
            after_s: Seconds after the start; None: when the folder has changed so many times.
            writes: Changes that are waited for.
            then_s: Seconds after the last of them.
        """
        before = _state(watched)
        pid = self._start(call)
        if after_s is not None:
            ended = self._status(after_s)
        else:
            ended = self._until(watched, before, writes=writes)
            ended = self._status(then_s) if ended is None else ended
        if ended is None:
            os.kill(pid, signal.SIGKILL)
            ended = self._status(_LIMIT_S)
        if ended == 0:
            return "over"
        assert ended == signal.SIGKILL, self._log.read_text()
        return "work" if _state(watched) != before else "start"

    def _until(self, watched: Path, last: object, *, writes: int) -> int | None:
        while writes:
            ended = self._status(0.001)
            if ended is not None:
                return ended
            now = _state(watched)
            if now != last:
                last, writes = now, writes - 1
        return None

    def _start(self, call: Call) -> int:
        order = {"call": call.name, "given": dict(call.given), "paths": _text(call.paths)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]
        return self._line(_LIMIT_S) or 0

    def _status(self, timeout_s: float) -> int | None:
        return self._line(timeout_s)

    def _line(self, timeout_s: float) -> int | None:
        if not select.select([self._process.stdout], [], [], timeout_s)[0]:
            return None
        return int(self._process.stdout.readline())  # type: ignore[union-attr]


def kill_often(
    nursery: Nursery, call: Call, watched: Path, *, kills: int, start_s: float, seed: int, writes: int = 5
) -> Landed:
    """Kill one and the same run again and again, at seeded moments; after each, every file is whole or not read.

    A fifth of the kills come within ``start_s`` of the start, the others up to 50 ms after one of the first ``writes``
    changes in the folder.
    """
    moments, landed = random.Random(seed), Landed()
    while landed.kills < kills:
        assert landed.counts["over"] < kills, landed
        early = moments.random() < 0.2
        after_s = moments.uniform(0, start_s) if early else None
        k, then_s = moments.randint(1, writes), moments.uniform(0, 0.05)
        landed.counts[nursery.kill(call, watched, after_s=after_s, writes=k, then_s=then_s)] += 1
        check_whole(watched)
    return landed


def check_whole(folder: Path) -> int:
    """Open every file of a folder that a reader would open; give how many."""
    n = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(p.startswith((".tmp-", ".lock")) for p in path.relative_to(folder).parts):
            _open(path)
            n += 1
    return n


def _open(path: Path) -> None:
    import torch
    from robustkit.models.native import read_safetensors

    if path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".parquet":
        pq.read_table(path)
    elif path.suffix == ".csv":
        pd.read_csv(path)
    elif path.suffix in (".pt", ".safetensors"):
        read_safetensors(path)
    elif path.suffix == ".unfinished":
        torch.load(path, weights_only=True)
    elif path.suffix == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def _state(folder: Path) -> Any:
    found = []
    for place, _, files in os.walk(folder):
        for name in (n for n in files if ".lock" not in n):  # a lock is no work yet
            with suppress(FileNotFoundError):  # renamed meanwhile
                stat = Path(place, name).stat()
                found.append((place, name, stat.st_mtime_ns, stat.st_size))
    return sorted(found)


def _text(paths: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: [str(p) for p in v] if isinstance(v, Sequence) and not isinstance(v, str) else str(v)
        for k, v in paths.items()
    }
