"""Silence for decoders that warn."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what Pillow and pydicom warn of and log while a film is opened.

    They may quote header values, which can name a patient. The lock is there because ``catch_warnings`` swaps
    one global list: two threads inside it could leave the filters of one of them behind.
    """
    log = logging.getLogger("pydicom")
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = before
