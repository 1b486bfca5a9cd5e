"""captum, imported where it is used (extra ``heatmaps``)."""

from __future__ import annotations

from typing import Any

from robustkit.errors import MissingExtraError


def attribution(name: str) -> Any:
    """Give a class of ``captum.attr``.

    Raises:
        MissingExtraError: captum is not installed.
    """
    try:
        import captum.attr
    except ImportError as error:
        what = "this heatmap method needs captum."
        raise MissingExtraError(what, where="--method", fix="Install it: pip install 'robustkit[heatmaps]'.") from error
    return getattr(captum.attr, name)
