"""Two runs made by hand, and a dashboard that answers in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from robustkit.api.dashboard import make_dashboard
from robustkit.api.stratify import stratify
from robustkit.dashboard.lesion.desk import Desk
from robustkit.dashboard.server import listener
from robustkit.results.folder import RunFolder

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT, WIDER = ("shift", 0.1), ("shift", 0.2)


def made_run(
    path: Path, *, models: tuple[str, ...] = ("a",), seed: int = 0, rename: dict[str, str] | None = None
) -> RunFolder:
    """Give a run of 30 patients whose subtypes may be renamed, with its tables."""
    cases = cohort(18, 12)
    cases["subtype"] = cases["subtype"].replace(rename or {})
    answers = {}
    for i, name in enumerate(models):
        nominal = scores_of(cases, seed=seed + i)
        answers[name] = Answers(nominal, {c: redrawn(cases, nominal, repeats=4, seed=i) for c in (SHIFT, WIDER)})
    folder = write_run(path, cases, answers, repeats=4)
    stratify(run=folder.path, draws=100)
    return folder


@contextmanager
def answering(folders: list[RunFolder], **options: Any) -> Iterator[str]:
    """Serve runs on a free port of this machine; gives the address."""
    import waitress

    desk = Desk([f.path for f in folders])
    app = make_dashboard(folders, desk, **options)
    opened = listener("127.0.0.1", 0)
    server = waitress.create_server(app.server, sockets=[opened], threads=4)

    def answer() -> None:
        # at the end its sockets are closed while it waits for them
        with suppress(OSError):
            server.run()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{opened.getsockname()[1]}/"
    finally:
        server.close()
        thread.join(5)
        desk.close()
