"""Compiles kernels with numba, which is an extra: only the files of kernels import this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from robustkit.cache import cache_root
from robustkit.errors import MissingExtraError

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a function when it is first called; it releases the GIL.

    The machine code is kept in the user's cache folder, never beside the library, which may be read-only; where that
    folder cannot be written either, it is made anew in every process. ``NUMBA_CACHE_DIR`` goes before.

    Raises:
        MissingExtraError: numba is not installed.
    """
    try:
        from numba import config, njit
    except ImportError as error:
        fix = "Install it: pip install 'robustkit[radiomics]'."
        raise MissingExtraError("radiomics features need numba.", where="features", fix=fix) from error
    before = config.CACHE_DIR
    config.CACHE_DIR = before or str(cache_root() / "numba")
    try:
        return njit(nogil=True, cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return njit(nogil=True)(function)  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = before
