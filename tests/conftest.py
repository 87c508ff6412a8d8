"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from audit.connections import redis_client
from audit.tuning.present import present
from tests.mutt import Mutt, running

if "MUTT_FUZZ_SEED" in os.environ:  # so that a run can be repeated
    settings.register_profile("repeatable", derandomize=True)
    settings.load_profile("repeatable")


@pytest.fixture
def redis_server() -> Iterator[None]:
    """The test run's Redis-compatible server, empty before and after."""
    redis_client().flushall()
    yield
    redis_client().flushall()
    present.forget()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lies beside the project, or where MUTT_SHARED_DATA says; without it the test is skipped."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUTT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(scope="session")
def mutt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutt]:
    """The whole stack of real processes, with the sample rules; one for all tests that ask for it."""
    extra = {
        "MUTT_STALL_S": "10",
        "MUTT_CANARY_EVERY_S": "0",  # tests count events
        "MUTT_VISIBILITY_TIMEOUT_S": "20",
        "MOOGSOFT_BREAKER_OPEN_S": "3",
    }
    with running(tmp_path_factory.mktemp("stack"), extra) as mutt:
        mutt.stack.write_run_file()
        yield mutt
