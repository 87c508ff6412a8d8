"""Schemathesis reads the OpenAPI document and tries the webhook by it: what is promised there must hold."""

import os
import subprocess
import sys

import pytest

from tests.mutt import Mutt

pytestmark = pytest.mark.stack

EXAMPLES = "600" if "MUTT_FUZZ_COUNT" in os.environ else "40"  # make fuzz tries more


@pytest.mark.timeout(1800)
def test_schemathesis_finds_nothing_at_the_webhook(mutt: Mutt):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{mutt.stack.web}/api/v1/openapi.yaml"),
        *("--include-path-regex", "^/webhook", "--max-examples", EXAMPLES, "--no-color"),
        *("--header", f"X-API-KEY: {mutt.stack.secrets['api_key']}"),
    ]
    if "MUTT_FUZZ_SEED" in os.environ:
        command += ["--seed", os.environ["MUTT_FUZZ_SEED"]]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert mutt.settled()["balanced"]
