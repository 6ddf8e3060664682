"""A service to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import Api, serving, tell_story


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Return an empty service, asked with a key of the tenant `acme` that may do everything."""
    with serving(tmp_path) as api:
        yield api


@pytest.fixture
def told(api: Api) -> Api:
    """Return a service on a store in which Ada has two beliefs, a response and a signal."""
    tell_story(api)
    return api
