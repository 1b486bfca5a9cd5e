"""processes: one process for each device of this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing.queues import Queue
from typing import Any

from robustkit.engine.pipeline import Part
from robustkit.errors import RunError
from robustkit.executors._base import Errand, Job, refusal, shards
from robustkit.stopping import deaf_children

_device: list[str] = []
"""Of this process, in a worker."""


class Processes:
    """Starts fresh processes, so that each has its own context on its own device."""

    name = "processes"

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Part]:
        """Compute the parts; each process takes the next shard when it is free."""
        context = multiprocessing.get_context("spawn")
        devices = context.Queue()
        for device in job.devices:
            devices.put(device)
        pool = ProcessPoolExecutor(len(job.devices), mp_context=context, initializer=_take_device, initargs=(devices,))
        try:
            with deaf_children():
                asked = {
                    pool.submit(_fulfil, job.errand, [job.case_ids(p) for p in shard]): shard
                    for shard in shards(parts, workers=len(job.devices))
                }
            for done in as_completed(asked):
                if done.cancelled():
                    continue
                answer = done.result()
                error = refusal(answer)
                if error is not None:
                    raise error
                job.told(answer)
                yield from asked[done]
                if job.is_stopped():
                    for waiting in asked:
                        waiting.cancel()
        except BrokenProcessPool as error:
            fix = "Run the same command again: it goes on where this one stopped."
            raise RunError("a worker process died.", where=", ".join(job.devices), fix=fix) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _take_device(devices: Queue[str]) -> None:
    _device[:] = [devices.get()]


def _fulfil(errand: Errand, groups: list[list[str]]) -> Mapping[str, Any]:
    module, _, name = errand.function.partition(":")
    answer: Mapping[str, Any] = getattr(import_module(module), name)(errand.text, groups, device=_device[0])
    return answer


PLUGIN = Processes()
