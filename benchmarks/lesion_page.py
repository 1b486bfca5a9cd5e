"""The lesion page: from a moved box to its score, and to the whole maps; in the judge alone and in a real browser.

Films of 2,500 x 2,000 px, networks with seeded weights (they know nothing; speed does not depend on that), the CPU.

python benchmarks/lesion_page.py --json build/lesion_page.json
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from chromium import FLAGS
from films import write_films

NETWORKS = {"mobilenetv3_small_050 at 96 px": ("mobilenetv3_small_050", 96), "resnet18 at 224 px": ("resnet18", 224)}
VISITOR = "0" * 32
WATCH = """() => {
  const judged = () => (document.getElementById('lesion-state').textContent.match(/Judged box: (.*)[.]$/) || [])[1];
  window.times = [];
  let begun = 0, before = judged();
  window.addEventListener('mouseup', () => { begun = performance.now(); before = judged(); }, true);
  new MutationObserver(() => {
    if (begun && judged() && judged() !== before) { window.times.push(performance.now() - begun); begun = 0; }
  }).observe(document.getElementById('lesion-card'), { subtree: true, childList: true, characterData: true });
}"""
AT = """([x, y]) => {
  const gd = document.querySelector('#lesion-film .js-plotly-plot'), r = gd.getBoundingClientRect(), l = gd._fullLayout;
  return [r.x + l.xaxis._offset + l.xaxis.l2p(x), r.y + l.yaxis._offset + l.yaxis.l2p(y)];
}"""


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--boxes", type=int, default=30)
    wish = parser.parse_args()
    rows = {}
    for name, (arch, side) in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            rows[name] = measure(Path(folder), arch, side, n=wish.boxes)
        print(json.dumps({name: rows[name]}), flush=True)
    if wish.json:
        Path(wish.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measure(folder: Path, arch: str, side: int, *, n: int) -> dict[str, float]:
    """Give seconds: the first answer (model opened), scores and maps of ``n`` boxes, and scores in a browser."""
    from robustkit.api.perturb import perturb
    from robustkit.dashboard.lesion.desk import Desk, case_key

    run = folder / "run"
    manifest = write_films(folder / "films", cases=4, sides=(300, 600))
    model = checkpoint(folder, arch, side)
    perturb(model=[str(model)], manifest=[manifest], shifts=["0.1"], repeats=1, device="cpu", out=run, command=[])
    desk = Desk([run])
    opened = desk.run("run")
    case = str(opened.cases.index[0])
    nominal = opened.nominal(opened.models[0], case)
    assert nominal is not None

    def ask(dx: float) -> tuple[float, float]:
        x0, y0, x1, y1 = nominal.box
        begun = time.perf_counter()
        film = case_key("run", case)
        ticket = desk.ask(VISITOR, film, run="run", model=opened.models[0], box=(x0 + dx, y0, x1 + dx, y1))
        desk.judge.wait(VISITOR, ticket, seconds=300)
        told = time.perf_counter() - begun
        done = desk.judge.wait_done(VISITOR, ticket, seconds=300)
        assert done.state == "done", done.message
        return told, time.perf_counter() - begun

    first = ask(0.0)[0]
    pairs = np.array([ask(float(k + 1)) for k in range(n)])
    found = {
        "first_score_s": round(first, 2),
        "score_median_s": round(float(np.median(pairs[:, 0])), 4),
        "score_p95_s": round(float(np.quantile(pairs[:, 0], 0.95)), 4),
        "maps_median_s": round(float(np.median(pairs[:, 1])), 2),
    }
    found |= in_browser(desk, n=min(n, 15))
    desk.close()
    return found


def in_browser(desk: Any, *, n: int) -> dict[str, float]:
    """Give seconds from the release of the mouse to the new score on the page; half of them while maps are in work."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        with serving(desk) as address:
            page.goto(address)
            page.wait_for_function(
                "(document.getElementById('lesion-state') || {textContent: ''}).textContent.startsWith('Done')"
            )
            page.wait_for_timeout(500)
            page.evaluate(WATCH)
            for k in range(n):
                _drag(page, 80 if k % 2 else -80)
                page.wait_for_function(f"window.times.length > {k}")
                page.wait_for_timeout(50 if k % 2 else 1500)
            times = [t / 1000 for t in page.evaluate("window.times")]
        browser.close()
    return {
        "browser_median_s": round(statistics.median(times), 3),
        "browser_p95_s": round(float(np.quantile(times, 0.95)), 3),
        "browser_n": len(times),
    }


def _drag(page: Any, by: float) -> None:
    box = page.evaluate("document.querySelector('#lesion-film .js-plotly-plot').layout.shapes[0]")
    x, y = (box["x0"] + box["x1"]) / 2, (box["y0"] + box["y1"]) / 2
    u, v = page.evaluate(AT, [x, y])
    page.mouse.move(u, v)
    page.wait_for_timeout(60)
    page.mouse.down()
    w, z = page.evaluate(AT, [x + by, y])
    page.mouse.move(w, z, steps=4)
    page.mouse.up()


class serving:  # noqa: N801 - used as a context, like a function
    """Serve the page from threads, as `robustkit dashboard` does."""

    def __init__(self, desk: Any) -> None:
        import robustkit.dashboard as package
        from dash import Dash, html
        from robustkit.dashboard.lesion.layout import layout
        from robustkit.dashboard.lesion.page import register
        from waitress.server import create_server

        app = Dash("lesion", assets_folder=str(Path(package.__file__).parent / "assets"), serve_locally=True)
        app.layout = lambda: html.Main(layout(desk))
        register(app, desk)
        self._server = create_server(app.server, host="127.0.0.1", port=0, threads=6)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.effective_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.close()


def checkpoint(folder: Path, arch: str, side: int) -> Path:
    """Write a self-describing checkpoint with seeded weights: a stand-in that knows nothing."""
    import torch
    from robustkit.inputs import InputSpec, OutputSpec
    from robustkit.models.builders import empty_network
    from robustkit.models.native import save_native

    torch.manual_seed(0)
    network, _ = empty_network(arch, 1)
    path = folder / f"{arch}.pt"
    save_native(
        path, network.state_dict(), arch=arch, input=InputSpec(side, side), output=OutputSpec("sigmoid-logit"),
        classes=("benign", "non-benign"), positive=("non-benign",), lineage="seeded stand-in", operating_points={},
        seen={}, training={},
    )  # fmt: skip
    return path


if __name__ == "__main__":
    main()
