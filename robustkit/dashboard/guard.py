"""Who may ask: the own machine alone, or whoever has the token; no other site in between."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

COOKIE = "robustkit-token"
HEALTH = "/healthz"
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'self'"
)
"""Plotly draws with inline styles, Dash begins with inline scripts; nothing comes from another host."""


def is_own_machine(host: str) -> bool:
    """Say whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(server: Flask, *, token: str, health: Callable[[], dict[str, Any]]) -> None:
    """Have every request checked.

    Args:
        server: Of the dashboard.
        token: Must come as ``?token=`` once, and is kept in a cookie; "" where only this machine can ask: then the name
            by which the page was called must be this machine's, so that no other site can speak to it (DNS rebinding).
        health: Gives what ``/healthz`` answers; it is free to all and names no run.
    """
    from flask import abort, jsonify, redirect, request

    def check() -> Any:
        if request.path == HEALTH:
            return jsonify(health())
        origin = request.headers.get("Origin")
        if origin and origin.split("://")[-1] != request.host:
            abort(403, "This page answers no other site.")
        if not token:
            return None if is_own_machine(_name(request.host)) else abort(403, "Call this page by 127.0.0.1.")
        given = request.args.get("token", "")
        if given and hmac.compare_digest(given.encode(), token.encode()):
            # the token leaves the address line, so that it is in no history and no screenshot
            answer = redirect(request.path)
            answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
            return answer
        if not hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), token.encode()):
            abort(
                401, "This page needs the token that was printed when the dashboard was started: add ?token=... once."
            )
        return None

    def close(answer: Any) -> Any:
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        if not request.path.startswith(("/_dash-component-suites/", "/assets/")):
            answer.headers["Cache-Control"] = "no-store"
        return answer

    server.before_request(check)
    server.after_request(close)


def _name(host: str) -> str:
    """Give the name in ``name:port`` or ``[::1]:port``."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
