"""Who may ask a dashboard: this machine by its own name, or whoever has the token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from robustkit.api.dashboard import dashboard
from robustkit.dashboard import server
from robustkit.dashboard.guard import guard, is_own_machine
from robustkit.dashboard.lesion import desk
from robustkit.engine.equip import cuda_count
from robustkit.errors import InputError

from made_desk import made_run

TOKEN = "a-long-enough-token"


def _client(token: str = "") -> Any:
    server = Flask("t")
    guard(server, token=token, health=lambda: {"status": "ok"})
    server.add_url_rule("/", "home", lambda: "secret")
    return server.test_client()


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("ward.example", False), ("127.0.0.1.example", False),
    ],
)  # fmt: skip
def test_own_machine(host: str, own: bool) -> None:
    assert is_own_machine(host) is own


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "[::1]:8050"])
def test_without_a_token_this_machine_is_answered(host: str) -> None:
    assert _client().get("/", headers={"Host": host}).text == "secret"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "10.1.1.1:8050"])
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    assert _client().get("/", headers={"Host": host}).status_code == 403


def test_another_site_is_refused() -> None:
    headers = {"Host": "127.0.0.1:8050", "Origin": "http://evil.example"}
    assert _client().get("/", headers=headers).status_code == 403
    own = {"Host": "127.0.0.1:8050", "Origin": "http://127.0.0.1:8050"}
    assert _client().get("/", headers=own).status_code == 200


def test_a_token_is_asked_once_and_leaves_the_address() -> None:
    client = _client(TOKEN)
    assert client.get("/").status_code == 401
    assert client.get("/?token=wrong").status_code == 401
    assert client.get("/?token=").status_code == 401
    first = client.get(f"/?token={TOKEN}")
    assert (first.status_code, first.headers["Location"]) == (302, "/")
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/").text == "secret"


def test_health_is_free_and_names_nothing() -> None:
    answer = _client(TOKEN).get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_answers_are_not_kept_and_ask_no_other_host() -> None:
    headers = _client().get("/", headers={"Host": "localhost"}).headers
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_device_that_is_not_here_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="warp"):
        dashboard(runs=[made_run(tmp_path)], port=0, device="warp")


def test_auto_is_made_a_device_before_a_model_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = desk.Desk

    def _desk(*args: Any, device: str, **more: Any) -> Any:
        asked.append(device)
        return real(*args, device=device, **more)

    monkeypatch.setattr(desk, "Desk", _desk)
    monkeypatch.setattr(server, "serve", lambda app, listening: listening.close())
    dashboard(runs=[made_run(tmp_path)], port=0, device="auto")
    assert asked == ["cuda:0" if cuda_count() else "cpu"]
