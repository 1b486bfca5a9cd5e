"""What was installed where, kept as ``install.json`` where ``--trust FOLDER`` is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trust_rows import TrustRows, kept_rows


@pytest.fixture(scope="session")
def trust(pytestconfig: pytest.Config) -> Iterator[TrustRows]:
    """Collect rows."""
    yield from kept_rows(pytestconfig, "install")
