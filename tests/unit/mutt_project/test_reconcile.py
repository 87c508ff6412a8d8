"""`manage.py reconcile`."""

import io
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from audit.change_models import Change
from audit.models import Record
from ops.local.stack import ROOT
from rules.loaded import tell_loaded
from rules.models import DevelopmentHost, RuleSetVersion
from rules.past import rules_of
from rules.ruleset import load_rule_set
from rules.version import raise_version
from tests.unit.audit.batches import journal
from tests.unit.audit.test_after_restore import IGNORED, recorded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_where_all_is_well_it_says_so():
    recorded(journal(), *IGNORED)
    assert run() == run("--yes", "--reason", "to be sure") == ["journal and records agree: nothing to do"]


def test_it_says_what_it_would_do_and_does_it_only_when_told_to():
    recorded(journal(), *IGNORED)
    batch = recorded(journal(), *IGNORED)
    Record.objects.filter(event_id__gte=batch).delete()
    lost = "3 accepted events have no record and are in no journal: lost"
    assert run() == run() == [lost]
    assert run("--yes", "--reason", "CHG-1") == [lost, "booked as lost: 3 events"]
    assert run() == ["journal and records agree: nothing to do"]
    change = Change.objects.first()
    assert change is not None
    assert (change.kind, change.name, change.what) == ("loss", "CHG-1", "added")


def test_nothing_is_booked_without_a_reason():
    with pytest.raises(CommandError, match="Say why: --reason"):
        run("--yes")


def test_a_store_that_is_away_is_named_without_a_stack_trace():
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "manage.py", "reconcile"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "Redis and PostgreSQL must both be there" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_version_of_the_rule_set_goes_above_all_that_were_loaded():
    before = load_rule_set().version
    tell_loaded(before + 5, 0, ())
    assert raise_version() == before + 6
    assert raise_version() is None
    assert load_rule_set().version == before + 6
    assert rules_of(before + 6).rules is not None
    DevelopmentHost.objects.create(hostname="after-the-restore")
    assert RuleSetVersion.objects.get().version == before + 7
    DevelopmentHost.objects.all().delete()
