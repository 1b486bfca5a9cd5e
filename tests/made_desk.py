"""A real small run of a tiny network on made-up films, and a desk on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify

from small_world import write_films, write_network


def made_run(folder: Path, *, snap: str = "none", margin: float = 0.2, **more: Any) -> Path:
    """Make films, a checkpoint and a run of it; give the run folder."""
    manifest = write_films(folder, n=6)
    checkpoint = write_network(folder / "net.pt", margin=margin)
    run = folder / "run"
    perturb(
        model=[f"net={checkpoint}"], manifest=[manifest], shifts=["0.1"], repeats=2, out=run, snap=snap, device="cpu",
        command=["robustkit"], **more,
    )  # fmt: skip
    stratify(run=run, draws=100)
    return run


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve a Dash app from a thread and give its address."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
