"""dashboard: an interactive page on this machine, for one or several runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from robustkit.dashboard.lesion.desk import Desk
    from robustkit.dashboard.page import Page
    from robustkit.dashboard.shelf import Shelf, ShelvedRun
    from robustkit.results.folder import RunFolder

LOCAL = "127.0.0.1"
DEFAULT_PORT = 8050


@dataclass(frozen=True, slots=True)
class Opened:
    """A dashboard that is about to answer.

    Attributes:
        address: To open in a browser, with the token where one is asked for.
        runs: Names of the runs.
        is_shared: True where other machines can reach it.
    """

    address: str
    runs: tuple[str, ...]
    is_shared: bool


def dashboard(
    *,
    runs: Sequence[Path] = (),
    host: str = LOCAL,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    no_images: bool = False,
    device: str = "cpu",
    readers_shift: float | None = None,
    trust_code: bool = False,
    say: Callable[[Opened], None] = lambda _: None,
) -> Opened:
    """Serve runs until Ctrl-C; returns when it ends.

    Args:
        runs: Run folders; default the newest complete one.
        host: Address to listen on; any other than this machine's own asks every visitor for a token.
        port: 0 takes a free one.
        token: Asked of visitors; default a new one where the host is not this machine alone.
        no_images: Show no films.
        device: Where models run for the lesion page.
        readers_shift: The readers' disagreement, the ``shift`` of `robustkit box-noise`, in sides of the box; default that
            of a run's box_noise.json.
        trust_code: Open model files that are programs.
        say: Called once the address is open.

    Raises:
        RunError: No run, or a damaged one.
        InputError: No such device, the address is taken, two runs of one name, or an empty token.
        MissingExtraError: Dash is not installed.
    """
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    folders = [RunFolder(p) for p in runs] or [newest_run(read_config(Path.cwd()).runs)]
    _check(folders, token)
    guard, server = _parts()
    is_shared = not guard.is_own_machine(host)
    secret = token or (_new_token() if is_shared else "")
    place = _device(device)
    listening = server.listener(host, port)
    desk = _desk(folders, device=place, readers_shift=readers_shift, trust_code=trust_code, has_images=not no_images)
    app = make_dashboard(folders, desk, token=secret)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}/{f'?token={secret}' if secret else ''}"
    opened = Opened(address, tuple(f.path.resolve().name for f in folders), is_shared)
    say(opened)
    try:
        server.serve(app, listening)
    finally:
        desk.close()
    return opened


def _device(asked: str) -> str:
    from robustkit.engine.equip import resolve_devices

    return resolve_devices(asked)[0]


def _desk(folders: Sequence[RunFolder], **options: Any) -> Desk:
    from robustkit.dashboard.lesion.desk import Desk

    return Desk([f.path for f in folders], **options)


def make_dashboard(folders: Sequence[RunFolder], desk: Desk, *, token: str = "") -> Any:
    """Give the Dash app of some runs, tables written where they are missing.

    Args:
        folders: The runs.
        desk: Of the same runs; whoever made it closes it.
        token: Asked of every visitor; "" where only this machine can ask.

    Raises:
        RunError: A damaged run.
    """
    from robustkit.dashboard.app import make_app
    from robustkit.dashboard.cases import Cases
    from robustkit.dashboard.figures import FiguresPage
    from robustkit.dashboard.lesion.page import LesionPage, link
    from robustkit.dashboard.operating import OperatingPage
    from robustkit.dashboard.reports import Reports
    from robustkit.dashboard.shelf import Shelf
    from robustkit.dashboard.summary import Summary

    shelf = Shelf([shelved(f) for f in folders])
    figures = (
        FiguresPage(shelf, "/stability", "How stable", places=("stability",)),
        FiguresPage(shelf, "/strata", "For whom", places=("strata",)),
        FiguresPage(shelf, "/errors", "Which errors", places=("errors",)),
        OperatingPage(shelf),
        FiguresPage(shelf, "/heatmaps", "Heatmaps", places=("heatmaps",)),
        FiguresPage(shelf, "/readers", "Readers", places=("readers",)),
        FiguresPage(shelf, "/more", "More figures", places=("more",)),
    )
    shown: list[Page] = [f for f in figures if not f.is_empty]
    report = Reports(shelf, _report_maker(no_images=not desk.has_images))
    pages = [
        Summary(shelf, shows_films=_shows_films(shelf, desk)),
        *shown,
        Cases(shelf, link),
        LesionPage(desk),
        report,
    ]
    return make_app(shelf, pages, token=token, busy=lambda: desk.judge.n_waiting)


def _shows_films(shelf: Shelf, desk: Desk) -> bool:
    return desk.has_images and any(not r.record.get("simulated") for r in shelf.runs)


def _report_maker(*, no_images: bool) -> Callable[[ShelvedRun], str]:
    def build(run: ShelvedRun) -> str:
        from robustkit.api.report import run_view
        from robustkit.report.page import build_page

        return build_page(run_view(run.folder, n=6, has_images=not no_images))

    return build


def shelved(folder: RunFolder) -> ShelvedRun:
    """Give a run with its tables, which are written where they are missing."""
    from robustkit.api.stratify import stratify
    from robustkit.dashboard.shelf import ShelvedRun

    if not (folder.path / "tables" / "strata.csv").is_file():
        stratify(run=folder.path)
    tables = {p.stem: folder.table(p.stem) for p in sorted((folder.path / "tables").glob("*.csv"))}
    return ShelvedRun(folder.path.resolve().name, folder, folder.record(), tables, folder.cases())


def _check(folders: Sequence[RunFolder], token: str | None) -> None:
    names = [f.path.resolve().name for f in folders]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        what = f"two runs are called {twice[0]!r}: they could not be told apart."
        raise InputError(what, where="dashboard", fix="Rename one of the folders.")
    if token is not None and len(token) < 8:
        what = f"expected a token of 8 letters or more, got {len(token)}."
        raise InputError(what, where="--token", fix="Leave it out: a new one is made.")
    for folder in folders:
        folder.record()


def _parts() -> tuple[Any, Any]:
    try:
        import dash
        import waitress
    except ImportError as error:
        fix = "Install it: pip install 'robustkit[dashboard]'; or write a page with `robustkit report`."
        raise MissingExtraError("the dashboard needs dash and waitress.", where="dashboard", fix=fix) from error
    del dash, waitress
    from robustkit.dashboard import guard, server

    return guard, server


def _new_token() -> str:
    import secrets

    return secrets.token_urlsafe(16)
