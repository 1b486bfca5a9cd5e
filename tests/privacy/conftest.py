"""Counts of what was tried for the privacy of patients, kept where ``--trust FOLDER`` is given (docs/trust.md)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trust_rows import TrustRows, kept_rows


@pytest.fixture(scope="session")
def trust(request: pytest.FixtureRequest) -> Iterator[TrustRows]:
    """Collect rows; they are written as ``privacy.json`` at the end."""
    yield from kept_rows(request.config, "privacy")
