"""Silence for decoders that warn and log."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()
_DECODERS = ("pydicom", "PIL", "pylibjpeg", "openjpeg", "libjpeg", "jpeg_ls")


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what Pillow, pydicom and their decoders warn of and log while a film is opened.

    They quote header values, which can name a patient: pydicom in warnings, Pillow's EXIF reader at level DEBUG. The
    lock is there because ``catch_warnings`` swaps one global list: two threads inside it could leave the filters of
    one of them behind.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = {log: log.disabled for log in _loggers()}
        for log in before:
            log.disabled = True
        try:
            yield
        finally:
            for log, was in before.items():
                log.disabled = was


def _loggers() -> list[logging.Logger]:
    """Give the decoders' loggers, one by one: to disable a parent does not silence its children."""
    known = dict(logging.root.manager.loggerDict)
    found = [log for n, log in known.items() if n.split(".")[0] in _DECODERS and isinstance(log, logging.Logger)]
    return [*found, *(logging.getLogger(n) for n in _DECODERS if n not in known)]
