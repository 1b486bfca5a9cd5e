"""A progress bar on stderr with rate and time left; quiet where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[str, int, int], None]


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Told | None]:
    """Yield a function that is told (work, finished, all), or None where quiet or not on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TaskProgressColumn as Rate

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(show_speed=True),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, tuple[int, int]] = {}

        def told(work: str, done: int, total: int) -> None:
            if work not in tasks:
                tasks[work] = (int(bar.add_task(work, total=total, rate="")), done)
            task, first = tasks[work]
            elapsed = bar.tasks[task].elapsed or 0.0
            rate = f"{(done - first) / elapsed:,.0f}/s" if elapsed > 0 and done > first else ""
            bar.update(bar.task_ids[task], completed=done, total=total, rate=rate)

        yield told
