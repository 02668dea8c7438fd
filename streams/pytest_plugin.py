"""Fixtures for a site's own tests; see `streams.testing`.

pytest loads this module before Django is set up, so what needs models is imported within.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .api.run import Run
    from .testing import FakeModel


@pytest.fixture
def streams_model() -> FakeModel:
    """The model that answers in `run_pending`, whatever a conversation names."""
    from .testing import FakeModel

    return FakeModel()


@pytest.fixture
def run_pending(db: None, streams_model: FakeModel) -> Callable[[], list[Run]]:
    """A function that has every queued answer written by `streams_model`."""
    from . import testing

    return lambda: testing.run_pending(streams_model)
