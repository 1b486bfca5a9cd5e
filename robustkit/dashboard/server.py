"""Serves the dashboard."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from robustkit.errors import InputError

if TYPE_CHECKING:
    from dash import Dash

_THREADS = 8
"""Visitors answered at once; the model has one worker of its own, so a long question holds up none of them."""


def listener(host: str, port: int) -> socket.socket:
    """Open the address, before anybody is told of it.

    Args:
        host: Name or number.
        port: 0 takes a free one.

    Raises:
        InputError: It is taken, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except OSError as error:
        what = f"{host}:{port} cannot be listened on ({error.strerror or error})."
        raise InputError(what, where="--host, --port", fix="Give another --port; 0 takes a free one.") from error
    return opened


def serve(app: Dash, opened: socket.socket) -> None:
    """Answer until Ctrl-C."""
    import waitress

    server = waitress.create_server(app.server, sockets=[opened], threads=_THREADS, ident="robustkit")
    try:
        server.run()
    finally:
        server.close()
