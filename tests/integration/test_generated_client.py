"""A client that a public generator makes from our OpenAPI document works against a running MUTT."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.local.stack import ROOT
from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the package that was generated, without a warning."""
    folder = tmp_path_factory.mktemp("generated")
    programs = Path(sys.executable).parent
    paths = ["--path", str(ROOT / "docs" / "openapi.yaml"), "--output-path", str(folder / "mutt_client")]
    command = [str(programs / "openapi-python-client"), "generate", "--meta", "none", "--fail-on-warning", *paths]
    path = {"PATH": f"{programs}:/usr/bin:/bin"}  # it formats what it wrote with ruff
    made = subprocess.run(command, capture_output=True, text=True, env=path, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield "mutt_client"
    sys.path.remove(str(folder))


def operation(generated: str, name: str) -> Any:
    return importlib.import_module(f"{generated}.api.{name}")


def model(generated: str, name: str) -> Any:
    return getattr(importlib.import_module(f"{generated}.models"), name)


@pytest.fixture
def client(mutt: Mutt, generated: str) -> Iterator[Any]:
    made = importlib.import_module(f"{generated}.client")
    key = mutt.stack.secrets["api_key"]
    with made.AuthenticatedClient(mutt.stack.web, key, prefix="", auth_header_name="X-API-KEY") as found:
        yield found


def test_rules_are_made_tried_changed_listed_and_deleted_with_a_generated_client(generated: str, client: Any):
    draft = {"match_string": "made by a generated client", "prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    body = model(generated, "RuleRequest").from_dict(draft)
    rule = operation(generated, "rules.rules_create").sync(client=client, body=body, x_change_reason="a test")
    assert rule.name == "message contains “made by a generated client”"

    question = {"event": {"hostname": "h", "message": "Made by a generated client!"}}
    test = model(generated, "RuleTestRequest").from_dict(question)
    explanation = operation(generated, "rules.rules_test").sync(client=client, body=test)
    assert (explanation.winner.id, explanation.handling.value) == (rule.id, "Ticket_only")

    patch = model(generated, "PatchedRuleRequest").from_dict({"priority": 7})
    changed = operation(generated, "rules.rules_partial_update").sync(rule.id, client=client, body=patch)
    assert changed.priority == 7
    stale = operation(generated, "rules.rules_partial_update").sync_detailed(
        rule.id, client=client, body=patch, if_match='"stale"'
    )
    assert (stale.status_code, stale.parsed.status) == (412, 412)

    page = operation(generated, "rules.rules_list").sync(client=client, search="generated client")
    assert [one.id for one in page.results] == [rule.id]

    bulk = model(generated, "BulkRequest").from_dict({"entries": [], "delete": [rule.id]})
    assert operation(generated, "rules.rules_bulk_create").sync(client=client, body=bulk).deleted == 1


def test_events_and_the_ledger_are_read_with_a_generated_client(mutt: Mutt, generated: str, client: Any):
    (identifier,) = mutt.send(event(hostname="generated-client"))
    mutt.settled()
    found = operation(generated, "events.events_list").sync(client=client, hostname="generated-client")
    assert [str(one.id) for one in found.results] == [identifier]
    assert operation(generated, "ledger.ledger_retrieve").sync(client=client).balanced is True


def test_a_refusal_is_a_problem_with_pointers_to_a_generated_client(generated: str, client: Any):
    wrong = {"match_type": "regex", "match_string": "(", "prod_handling": "Ignore", "dev_handling": "Ignore"}
    body = model(generated, "RuleRequest").from_dict(wrong)
    problem = operation(generated, "rules.rules_create").sync(client=client, body=body)
    assert problem.status == 400
    assert problem.errors[0].pointer == "/match_string"
