"""Dead letters on their way again: the same events, through all stages, each counted once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from audit.connections import redis_client
from audit.ids import batch_of, event_id, new_batch_id
from audit.journal import Burial, journal
from audit.ledger import read_ledger
from audit.models import DeadLetter, Record
from audit.outcomes import DeadStage, Outcome, Stage
from audit.record import mark_delivered
from audit.tasks import store_dead_letters
from forwarder.breaker import breaker
from ingest import replaying
from ingest.replay_models import Replay
from ingest.replaying import Wanted, replay_letters
from ingest.tasks import validate_batch
from rules.models import Rule
from rules.ruleset import CurrentRuleSet
from rules.tasks import match_batch
from tests.unit.audit.batches import bury
from tests.unit.forwarder.breaking import trip

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REFUSED = Burial(DeadStage.MOOG, "refused", "HTTP 400: no")


def event(message: str = "link down", host: str = "edge-1") -> dict[str, Any]:
    return {"hostname": host, "timestamp": timezone.now().isoformat(), "message": message}


@pytest.fixture(autouse=True)
def fresh_rule_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.tasks.current_rule_set", CurrentRuleSet(max_age_s=0))


@pytest.fixture(autouse=True)
def rule() -> Rule:
    return Rule.objects.create(name="Down", match_string="down", prod_handling="Page_only", dev_handling="Ignore")


def opened(*events: dict[str, Any]) -> UUID:
    batch = new_batch_id(timezone.now())
    entries = [{"id": str(event_id(batch, place)), "event": one} for place, one in enumerate(events)]
    journal().open(batch, entries, api_key="sensor", address="10.0.0.9")
    return batch


def died_at_moogsoft(*events: dict[str, Any], dead: tuple[int, ...] = (0,)) -> UUID:
    """A batch whose alerts were delivered, but for some that Moogsoft refused."""
    batch = opened(*events)
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    with journal().claimed(batch, Stage.FORWARD) as claim:
        alive = [event_id(batch, place) for place in range(len(events)) if place not in dead]
        if alive:
            journal().mark_sent({batch: alive})
            mark_delivered(alive, NOW)
        claim.mark_dead(dict.fromkeys((event_id(batch, place) for place in dead), REFUSED))
        claim.advance(Stage.DLQ)
    store_dead_letters.run(str(batch))
    return batch


def died_undecided(*events: dict[str, Any]) -> UUID:
    batch = opened(*events)
    bury(journal(), batch, Burial(DeadStage.ALERTER, "internal_error", "a bug"))
    store_dead_letters.run(str(batch))
    return batch


def replay(letters: Any = None) -> list[str]:
    chosen = DeadLetter.objects.order_by("event_id") if letters is None else letters
    return [result.why_not for result in replay_letters(list(chosen), "alice", "it was mended")]


def through_the_pipeline(batch: UUID) -> None:
    """All stages up to forward."""
    validate_batch.run(str(batch))
    match_batch.run(str(batch))


def outcomes() -> list[str]:
    return list(Record.objects.order_by("event_id").values_list("outcome", flat=True))


def balanced() -> dict[str, int]:
    ledger = read_ledger(journal())
    assert ledger.balanced, ledger
    names = ("accepted", "delivered", "ignored", "unmatched", "dead", "pending")
    return {name: getattr(ledger, name) for name in names if getattr(ledger, name)}


def waiting(queue: str = "pipeline") -> int:
    return int(redis_client().llen(queue))


def test_a_replayed_event_goes_through_all_stages_as_the_same_event_and_is_counted_once():
    batch = died_at_moogsoft(event())
    before = Record.objects.get()
    assert balanced() == {"accepted": 1, "dead": 1}
    assert replay() == [""]
    assert waiting() == 1
    assert balanced() == {"accepted": 1, "dead": 1}  # nothing has changed yet
    validate_batch.run(str(batch))
    assert balanced() == {"accepted": 1, "dead": 1}
    match_batch.run(str(batch))
    assert balanced() == {"accepted": 1, "pending": 1}
    after = Record.objects.get()
    assert (after.event_id, after.deduplication_key) == (before.event_id, before.deduplication_key)
    assert after.outcome == "pending"
    assert journal().stage_of(batch)[0] is Stage.FORWARD  # type: ignore[index] # it is open
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.replays, letter.settled_by, letter.settled_why) == (
        *("replayed", 1, "alice", "it was mended"),
    )


def test_only_what_died_is_replayed_and_what_was_delivered_stays_delivered():
    batch = died_at_moogsoft(event(), event(), event(), dead=(1,))
    replay()
    through_the_pipeline(batch)
    assert outcomes() == ["delivered", "pending", "delivered"]
    found = journal().look(batch)
    assert found is not None
    assert [UUID(entry["id"]) for entry in found[1]] == [event_id(batch, 1)]


def test_what_had_been_decided_stands_though_the_rules_are_others_now(rule):
    batch = died_at_moogsoft(event())
    key = Record.objects.get().deduplication_key
    Rule.objects.create(name="New", match_string="link", priority=1, prod_handling="Ignore", dev_handling="Ignore")
    replay()
    through_the_pipeline(batch)
    record = Record.objects.get()
    assert (record.rule_id, record.deduplication_key, record.outcome) == (rule.pk, key, "pending")


def test_what_died_undecided_is_decided_by_the_rules_of_now(rule):
    batch = died_undecided(event(), event("quiet"))
    replay()
    through_the_pipeline(batch)
    first, second = Record.objects.order_by("event_id")
    assert (first.rule_id, first.outcome, first.team, first.reason) == (rule.pk, "pending", rule.team_assignment, "")
    assert (second.outcome, second.outcome_at is not None) == ("unmatched", True)
    assert balanced() == {"accepted": 2, "pending": 1, "unmatched": 1}


def test_a_replay_that_ends_without_an_alert_closes_its_batch():
    batch = died_undecided(event("quiet"))
    replay()
    through_the_pipeline(batch)
    assert journal().stage_of(batch) is None
    assert balanced() == {"accepted": 1, "unmatched": 1}


def test_an_event_that_dies_again_has_one_letter_that_waits_again():
    batch = died_at_moogsoft(event())
    replay()
    through_the_pipeline(batch)
    bury(journal(), batch, Burial(DeadStage.MOOG, "server_error", "HTTP 500"))
    store_dead_letters.run(str(batch))
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.reason, letter.replays) == ("waiting", "server_error", 1)
    assert balanced() == {"accepted": 1, "dead": 1}
    assert replay() == [""]


def test_nothing_is_replayed_twice_at_once():
    batch = died_at_moogsoft(event(), event(), dead=(0, 1))
    first, second = DeadLetter.objects.order_by("event_id")
    assert replay([first]) == [""]
    assert replay([first]) == ["Its batch is still on its way: try again when that has ended."]
    assert replay([second]) == ["Its batch is still on its way: try again when that has ended."]
    assert waiting() == 1
    through_the_pipeline(batch)
    assert outcomes() == ["pending", "dead"]
    first.refresh_from_db()
    assert replay([first]) == ["It does not wait: it was replayed before."]


def test_a_letter_that_was_discarded_meanwhile_stays_dead():
    batch = died_at_moogsoft(event())
    replay()
    assert replaying.discard_letters(Wanted(), "bob", "no need", NOW) == 1
    through_the_pipeline(batch)
    assert outcomes() == ["dead"]
    assert journal().stage_of(batch) is None
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.settled_by, letter.settled_why) == ("discarded", "bob", "no need")
    assert replay() == ["It does not wait: it was discarded before."]


def test_whoever_is_killed_after_the_batch_was_opened_again_leaves_it_to_the_sweeper():
    batch = died_at_moogsoft(event())
    letter, record = DeadLetter.objects.get(), Record.objects.get()
    replaying._reopen(batch, [(letter, record)])  # noqa: SLF001 - and then kill -9
    assert balanced() == {"accepted": 1, "dead": 1}
    through_the_pipeline(batch)  # as the sweeper has it done
    assert outcomes() == ["pending"]
    assert balanced() == {"accepted": 1, "pending": 1}


@pytest.mark.parametrize("times", [1, 3])
def test_a_match_stage_that_runs_more_than_once_revives_once(times):
    batch = died_at_moogsoft(event())
    replay()
    validate_batch.run(str(batch))
    for _ in range(times):
        match_batch.run(str(batch))
        if journal().stage_of(batch)[0] is Stage.FORWARD and times > 1:  # type: ignore[index] # it is open
            redis_client().hset(f"mutt:batch:{batch}", "stage", "match")  # as if it had died before the hand-over
    assert DeadLetter.objects.get().replays == 1
    assert outcomes() == ["pending"]


def test_a_meta_alert_that_died_is_a_meta_alert_again():
    batch = died_at_moogsoft(event())
    Record.objects.update(rule_id=None, rule_name="", deduplication_key="mutt:unmatched:edge-1:x")
    replay()
    through_the_pipeline(batch)
    assert Record.objects.get().reason == "unmatched_threshold"


def test_a_letter_whose_record_is_gone_is_not_replayed():
    died_at_moogsoft(event())
    Record.objects.all().delete()
    assert replay() == ["Its record is gone, so it cannot be replayed."]


def test_what_an_adapter_made_of_the_event_and_who_sent_it_go_along():
    batch = new_batch_id(timezone.now())
    entry = {"id": str(event_id(batch, 0)), "event": "<13>raw", "adapted": event(), "notes": ["address_as_hostname"]}
    journal().open(batch, [{**entry, "api_key": "other", "address": "10.1.1.1"}], api_key="k", address="a")
    bury(journal(), batch, Burial(DeadStage.ALERTER, "internal_error", "a bug"))
    store_dead_letters.run(str(batch))
    replay()
    through_the_pipeline(batch)
    record = Record.objects.get()
    assert (record.event, record.hostname, record.api_key) == ("<13>raw", "edge-1", "other")
    assert (record.address, record.notes) == ("10.1.1.1", ["address_as_hostname"])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), 5),
        (Wanted(stage="alerter"), 2),
        (Wanted(stage="moog"), 3),
        (Wanted(reason="refused"), 3),
        (Wanted(stage="alerter", reason="refused"), 0),
        (Wanted(hostname="edge-2"), 1),
        (Wanted(hostname="EDGE-2"), 0),
        (Wanted(replays_below=1), 5),
        (Wanted(replays_below=0), 0),
        (Wanted(until=NOW), 0),
        (Wanted(since=NOW), 5),
    ],
)
def test_a_filter_chooses_what_fits_all_of_its_fields(wanted, expected):
    died_at_moogsoft(event(), event(), event(), dead=(0, 1, 2))
    died_undecided(event(), event(host="edge-2"))
    DeadLetter.objects.update(created_at=NOW)
    assert wanted.letters().count() == expected
    assert Wanted.from_json(wanted.as_json()) == wanted


def test_a_replay_of_many_goes_on_at_its_rate_until_all_are_on_their_way():
    for _ in range(6):
        died_at_moogsoft(event())
    start = timezone.now() + timedelta(seconds=1)
    running = replaying.begin(Wanted(), "alice", "mended", 1.0, start)
    assert running.total == 6
    sent = [replaying.go_on(start + timedelta(seconds=second)) for second in range(8)]
    assert sent == [2, 0, 2, 0, 2, 0, 0, 0]
    running.refresh_from_db()
    assert (running.status, running.replayed, running.skipped) == ("done", 6, 0)
    assert waiting() == 6


def test_a_batch_is_always_replayed_as_a_whole():
    died_at_moogsoft(*(event() for _ in range(7)), dead=tuple(range(7)))
    start = timezone.now() + timedelta(seconds=1)
    running = replaying.begin(Wanted(), "alice", "", 1.0, start)
    assert replaying.go_on(start) == 7
    assert replaying.go_on(start + timedelta(seconds=6)) == 0  # which took it seven seconds
    replaying.go_on(start + timedelta(seconds=8))
    running.refresh_from_db()
    assert (running.status, running.replayed, running.skipped) == ("done", 7, 0)


def test_a_replay_can_be_stopped():
    for _ in range(4):
        died_at_moogsoft(event())
    start = timezone.now() + timedelta(seconds=1)
    running = replaying.begin(Wanted(), "alice", "", 1.0, start)
    replaying.go_on(start)
    assert replaying.stop(running.pk, "bob", start)
    assert not replaying.stop(running.pk, "bob", start)
    assert replaying.go_on(start + timedelta(minutes=1)) == 0
    running.refresh_from_db()
    assert (running.status, running.ended_by, running.replayed) == ("stopped", "bob", 2)


def test_what_dies_again_is_not_replayed_again_by_the_same_replay():
    batch = died_at_moogsoft(event())
    start = timezone.now() + timedelta(seconds=1)
    replaying.begin(Wanted(), "alice", "", 100.0, start)
    assert replaying.go_on(start) == 1
    through_the_pipeline(batch)
    bury(journal(), batch, REFUSED)
    store_dead_letters.run(str(batch))
    for second in range(1, 5):
        assert replaying.go_on(start + timedelta(seconds=second)) == 0
    assert Replay.objects.get().status == "done"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_mutt_replays_by_itself_what_died_of_passing_troubles_and_so_often_as_it_may(settings, times):
    settings.MUTT_AUTO_REPLAY_TIMES = times
    passing, lasting = died_at_moogsoft(event()), died_at_moogsoft(event())
    long_ago = timezone.now() - timedelta(hours=1)
    DeadLetter.objects.filter(event_id__lt=max(passing, lasting)).update(created_at=long_ago)
    DeadLetter.objects.filter(event_id__gt=max(passing, lasting)).update(created_at=long_ago)
    of_passing = DeadLetter.objects.filter(event_id=event_id(passing, 0))
    of_passing.update(reason="server_error")
    breaker().admit().succeeded()
    begun = 0
    for _ in range(5):
        now = timezone.now()
        if replaying.replay_by_itself(now):
            begun += 1
            assert replaying.go_on(now) == 1
            replaying.go_on(now + timedelta(seconds=5))
            through_the_pipeline(passing)
            bury(journal(), passing, Burial(DeadStage.MOOG, "server_error", "HTTP 500"))
            store_dead_letters.run(str(passing))
            of_passing.update(created_at=long_ago)
    assert begun == times
    assert {one.requested_by for one in Replay.objects.all()} <= {"MUTT"}
    assert DeadLetter.objects.get(event_id=event_id(lasting, 0)).replays == 0


def test_mutt_replays_nothing_by_itself_before_all_has_been_well_for_a_while(settings):
    settings.MUTT_AUTO_REPLAY_TIMES = 3
    died_at_moogsoft(event())
    DeadLetter.objects.update(reason="timeout", created_at=timezone.now() - timedelta(hours=1))
    assert replaying.replay_by_itself(timezone.now()) is None  # nothing was ever taken
    breaker().admit().succeeded()
    trip(breaker(), "away")
    assert replaying.replay_by_itself(timezone.now()) is None
    redis_client().hset("mutt:moogsoft:breaker", mapping={"state": "closed"})
    assert replaying.replay_by_itself(timezone.now()) is None  # it has only just been closed
    redis_client().hset("mutt:moogsoft:breaker", "since", 1)
    breaker().pause("HTTP 401")
    assert replaying.replay_by_itself(timezone.now()) is None
    breaker().resume("mended", "alice")
    assert replaying.replay_by_itself(timezone.now()) is not None


def test_batches_of_ids_are_those_of_their_events():
    batch = died_at_moogsoft(event())
    assert batch_of(DeadLetter.objects.get().event_id) == batch
    assert Record.objects.get().outcome == Outcome.DEAD
