"""Where beat does not run, something else sends its tasks."""

from datetime import timedelta

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.journal import journal
from audit.workers import beat_seen_at
from ops.local.stack import ROOT

CRON_JOBS = ROOT / "ops" / "kubernetes" / "components" / "without-beat" / "cron-jobs.yaml"


@pytest.mark.usefixtures("redis_server")
def test_tasks_of_the_schedule_are_sent_to_their_queues_and_beat_counts_as_seen(capsys):
    call_command("send_tasks", "audit.check_ledger", "ingest.prune")
    assert journal().waiting().in_queue("maintenance") == 2
    seen = beat_seen_at()
    assert seen
    assert timezone.now() - seen < timedelta(minutes=5)
    assert "sent: audit.check_ledger, ingest.prune" in capsys.readouterr().out


@pytest.mark.usefixtures("redis_server")
def test_a_task_that_beat_does_not_send_is_refused_before_any_is_sent():
    with pytest.raises(CommandError, match=r"Beat sends no “audit\.nothing”\. It sends: audit\.check_ledger"):
        call_command("send_tasks", "audit.check_ledger", "audit.nothing")
    assert journal().waiting().in_queue("maintenance") == 0


@pytest.mark.usefixtures("redis_server")
def test_a_canary_that_is_switched_off_is_not_sent_and_holds_nothing_up(settings, capsys):
    settings.CELERY_BEAT_SCHEDULE = {
        name: entry for name, entry in settings.CELERY_BEAT_SCHEDULE.items() if name != "send a canary"
    }
    call_command("send_tasks", "ingest.send_canary", "audit.check_ledger")
    assert journal().waiting().in_queue("maintenance") == 1
    assert "sent: audit.check_ledger\n" in capsys.readouterr().out


@pytest.mark.usefixtures("redis_server")
def test_what_the_cron_jobs_of_kubernetes_ask_for_is_sent(capsys):
    for job in yaml.safe_load_all(CRON_JOBS.read_text()):
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        role, *command = container["args"]
        assert role == "manage"
        call_command(*command)
        assert capsys.readouterr().out == f"sent: {', '.join(command[1:])}\n"
