"""dask: workers on this machine or on others, which share the folders of films, models and runs (extra ``cluster``)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from robustkit.engine.pipeline import Part
from robustkit.errors import MissingExtraError, RunError
from robustkit.executors._base import Errand, Job, refusal, shards
from robustkit.stopping import deaf_children

RETRIES = 3
"""Times that a shard is tried again on another worker after its own has died."""

_CONNECT_S = 15
_WORKER_S = 60


class Dask:
    """Hands out shards; only names and paths travel, and every worker loads a model once.

    ``scheduler`` is an address such as ``tcp://10.0.0.1:8786``, or ``local`` or ``local:N`` for N workers with
    one thread each on this machine.
    """

    name = "dask"

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Part]:
        """Compute the parts on the workers; give each when its shard is back."""
        if not parts:
            return
        distributed = _distributed()
        with ExitStack() as stack:
            client = _connect(distributed, job, stack)
            workers = len(client.scheduler_info(n_workers=-1)["workers"])
            pieces = shards(parts, workers=workers)
            asked = {
                client.submit(
                    fulfil, job.errand, [job.case_ids(p) for p in piece], pure=False, retries=RETRIES,
                ): piece
                for piece in pieces
            }  # fmt: skip
            for done in distributed.as_completed(asked):
                try:
                    answer = done.result()
                except distributed.scheduler.KilledWorker as error:
                    what = f"a shard of {len(asked[done])} parts ended {RETRIES + 1} workers one after the other."
                    fix = "Look at the workers' logs (memory?); the same command goes on with what is left."
                    raise RunError(what, where=job.scheduler or "local workers", fix=fix) from error
                fault = refusal(answer)
                if fault is not None:
                    client.cancel(list(asked))
                    raise fault
                job.told(answer)
                yield from asked[done]
                if job.is_stopped():
                    client.cancel([f for f in asked if not f.done()])
                    return


def fulfil(errand: Errand, groups: list[list[str]]) -> Mapping[str, Any]:
    """Do an errand in this worker."""
    module, _, name = errand.function.partition(":")
    answer: Mapping[str, Any] = getattr(import_module(module), name)(errand.text, groups)
    return answer


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        fix = "Install it: pip install 'robustkit[cluster]'."
        raise MissingExtraError("--executor dask needs dask.distributed.", where="--executor", fix=fix) from error
    return distributed


def _connect(distributed: Any, job: Job, stack: ExitStack) -> Any:
    kind, _, number = job.scheduler.partition(":")
    if kind in ("", "local"):
        if number and not (number.isdigit() and int(number) > 0):
            what = f"expected local:N with N above 0, got {job.scheduler!r}."
            raise RunError(what, where="--scheduler", fix="Write --scheduler local:4.")
        count = int(number) if number else None
        # a free port for the scheduler's own pages: its default is one number for the whole machine, so that the second
        # of two runs side by side would be warned about the first
        pages = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
        with deaf_children():
            cluster = distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
                scheduler_kwargs=pages, silence_logs=logging.ERROR,
            )  # fmt: skip
        client = distributed.Client(stack.enter_context(cluster))
    else:
        try:
            client = distributed.Client(job.scheduler, timeout=_CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            what = f"the scheduler does not answer within {_CONNECT_S} s."
            fix = "Start one (`dask scheduler`) and give its address, e.g. tcp://10.0.0.1:8786; see docs/cluster.md."
            raise RunError(what, where=f"--scheduler {job.scheduler}", fix=fix) from error
    stack.enter_context(client)
    try:
        client.wait_for_workers(1, timeout=_WORKER_S)
    except TimeoutError as error:
        fix = "Start workers (`dask worker ADDRESS --nthreads 1`); see docs/cluster.md."
        raise RunError(f"no worker came within {_WORKER_S} s.", where="--scheduler", fix=fix) from error
    return client


PLUGIN = Dask()
