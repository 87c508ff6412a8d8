"""What became of one event, and why, as JSON."""

from typing import Any

from rest_framework import serializers

from audit.api.serializers import EmptyIsNull, EventSerializer, StepSerializer
from audit.models import Attempt, DeadLetter, Record
from mutt_project.why.telling import Told
from mutt_project.why.verdicts import Verdict
from rules.api.serializers import CandidateSerializer
from rules.recorded import Decided

_VERDICTS = [verdict.value for verdict in Verdict]


class ReceivedSerializer(serializers.ModelSerializer[Record]):
    """When an event came, from whom, and what was sent."""

    at = serializers.DateTimeField(source="received_at")
    source = EmptyIsNull(  # type: ignore[assignment] # DRF takes fields out of the class
        allow_null=True, help_text="As the webhook's path named it; null: told by what it looks like."
    )
    correlation_id = EmptyIsNull(allow_null=True, help_text="Of the request: `X-Correlation-ID`.")
    body = serializers.JSONField(source="event", help_text="The event as it was sent: JSON, or a raw line.")

    class Meta:
        model = Record
        fields = ("at", "api_key", "address", "source", "correlation_id", "body")


class NormalisedFieldSerializer(serializers.Serializer[Any]):
    """One field: as it was sent, and what it became."""

    field = serializers.CharField()
    sent = serializers.JSONField(help_text="Null where it was not sent under MUTT's own name for it.")
    became = serializers.JSONField()
    changed = serializers.BooleanField()


class WhyNoteSerializer(serializers.Serializer[Any]):
    """What was noticed while it was brought into canonical form."""

    note = serializers.CharField(help_text="The code that the record keeps.")
    text = serializers.CharField()


class ValidatedSerializer(serializers.Serializer[Any]):
    """What was normalised."""

    is_native = serializers.BooleanField(help_text="Sent in MUTT's own words; otherwise an adapter read the fields.")
    fields_ = NormalisedFieldSerializer(many=True)
    notes = WhyNoteSerializer(many=True)

    def get_fields(self) -> Any:
        """`fields` is a word of DRF's."""
        fields = super().get_fields()
        fields["fields"] = fields.pop("fields_")
        return {name: fields[name] for name in ("is_native", "fields", "notes")}


class WhyDecisionSerializer(serializers.Serializer[Any]):
    """What was decided, as the record says; why, as the rules of that time say."""

    rule_set_version = serializers.IntegerField()
    is_explained = serializers.BooleanField(help_text="Whether the rules of that time are still known.")
    caveat = EmptyIsNull(allow_null=True, help_text="What is to be known about the explanation.")
    rule_id = serializers.IntegerField(allow_null=True)
    rule_name = EmptyIsNull(allow_null=True)
    handling = EmptyIsNull(allow_null=True)
    environment = serializers.CharField()
    environment_why = serializers.CharField(allow_null=True)
    team = serializers.CharField()
    team_why = serializers.CharField(allow_null=True)
    candidates = CandidateSerializer(many=True, help_text="All rules that matched, the winner first.")
    near_misses = CandidateSerializer(
        many=True, help_text="Rules that another severity, or activation, had made match."
    )


class WhyAttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One POST to Moogsoft in which the event was."""

    latency_ms = serializers.FloatField(source="duration_ms")
    events = serializers.SerializerMethodField(help_text="How many events the request had.")
    reason = EmptyIsNull(allow_null=True, help_text="Null where Moogsoft took them.")

    class Meta:
        model = Attempt
        fields = ("number", "started_at", "latency_ms", "events", "status", "reason", "excerpt")

    def get_events(self, attempt: Attempt) -> int:
        return len(attempt.event_ids)


class WaitSerializer(serializers.Serializer[Any]):
    """Where a pending event waits, and what for."""

    stage = serializers.CharField(help_text="validate, match, forward or dlq: the step that has to act on it next.")
    why = serializers.CharField(help_text="queued, working, retry, lost; or the word that it was parked by.")
    text = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="Null where nobody can know.")
    behind = serializers.UUIDField(allow_null=True, help_text="The batch that has to be delivered first.")


class WhyLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    """The dead letter of an event, if it ever was given up."""

    died_at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = DeadLetter
        fields = (
            *("id", "stage", "reason", "detail", "died_at", "state", "replays"),
            *("settled_at", "settled_by", "settled_why"),
        )


class WhySerializer(EventSerializer):
    """One event: what became of it, and why."""

    verdict = serializers.ChoiceField(choices=_VERDICTS)
    text = serializers.CharField(help_text="What became of it, in a sentence.")
    event = serializers.JSONField()
    times_sent = serializers.IntegerField(help_text="In how many requests to Moogsoft it was.")
    received = ReceivedSerializer()
    validated = ValidatedSerializer(allow_null=True)
    decision = WhyDecisionSerializer(allow_null=True)
    attempts = WhyAttemptSerializer(many=True)
    waiting = WaitSerializer(allow_null=True)
    dead_letter = WhyLetterSerializer(allow_null=True)
    steps = StepSerializer(many=True)

    class Meta(EventSerializer.Meta):
        fields = (  # type: ignore[assignment] # a longer tuple
            *EventSerializer.Meta.fields,
            *("event", "deduplication_key", "verdict", "text", "received", "validated", "decision"),
            *("attempts", "times_sent", "waiting", "dead_letter", "steps"),
        )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return as_json(instance)


def as_json(told: Told) -> dict[str, Any]:
    """The fields of WhySerializer."""
    record = told.record
    return {
        **EventSerializer(record).data,
        "event": record.event,
        "deduplication_key": record.deduplication_key,
        "verdict": told.verdict.value,
        "text": told.text,
        "received": ReceivedSerializer(record).data,
        "validated": ValidatedSerializer(told.validated).data if told.validated else None,
        "decision": _decision(record, told.decision) if told.decision else None,
        "attempts": WhyAttemptSerializer(told.attempts, many=True).data,
        "times_sent": len(told.attempts),
        "waiting": WaitSerializer(told.waiting).data if told.waiting else None,
        "dead_letter": WhyLetterSerializer(told.dead_letter).data if told.dead_letter else None,
        "steps": StepSerializer([step.as_json() for step in told.steps], many=True).data,
    }


def _decision(record: Record, decision: Decided) -> dict[str, Any]:
    names = ("rule_set_version", "rule_id", "rule_name", "handling", "environment", "team")
    explanation = decision.explanation
    whys = {
        "environment_why": explanation.environment_why if explanation else None,
        "team_why": explanation.team_why if explanation else None,
        "candidates": explanation.candidates if explanation else [],
        "near_misses": explanation.near_misses if explanation else [],
    }
    said = {name: getattr(record, name) for name in names}
    told = {"is_explained": explanation is not None, "caveat": decision.caveat}
    return dict(WhyDecisionSerializer({**said, **told, **whys}).data)


class FoundSerializer(serializers.Serializer[Any]):
    """One thing that was found, the newest first."""

    kind = serializers.ChoiceField(choices=["event", "refused"], help_text="refused: look it up in the quarantine.")
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    hostname = serializers.CharField(allow_null=True)
    message = serializers.CharField(help_text="Its beginning.")
    verdict = serializers.ChoiceField(choices=_VERDICTS)
    text = serializers.CharField()
    rule_id = serializers.IntegerField(allow_null=True)
    dead_letter = serializers.IntegerField(allow_null=True, help_text="The id of its dead letter.")


class WhyNotSerializer(serializers.Serializer[Any]):
    """Why what somebody looks for is no alert."""

    query = serializers.CharField()
    verdict = serializers.ChoiceField(choices=_VERDICTS, help_text="On the newest of what was found.")
    text = serializers.CharField()
    found = FoundSerializer(many=True)
    looked = serializers.ListField(child=serializers.CharField(), help_text="Where was looked, and how far.")
    check = serializers.ListField(child=serializers.CharField(), help_text="What to look at next.")
    try_it = serializers.CharField(allow_null=True, help_text="A command that sends one such event.")


class WhyNotQuery(serializers.Serializer[Any]):
    """What is looked for."""

    q = serializers.CharField(
        max_length=1000, help_text="The id of an event, a batch or a refused event; a host, an address, or a text."
    )
    days = serializers.FloatField(required=False, default=7, min_value=0.01, max_value=366, help_text="How far back.")
