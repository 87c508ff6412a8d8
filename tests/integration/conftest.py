"""What integration tests share."""

from collections.abc import Iterator

import pytest

from tests.openbao import OpenBao


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server that speaks as Vault does; tests that stop or seal it put it right again."""
    server = OpenBao(tmp_path_factory.mktemp("openbao"))
    try:
        server.set_up()
        yield server
    finally:
        server.stop()
