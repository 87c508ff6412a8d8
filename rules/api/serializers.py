"""Rules, development hosts and device teams as JSON; the models' own checks decide what is valid."""

from typing import Any, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model
from rest_framework import serializers

from rules.backtest_models import Backtest
from rules.bulk import MOST, Done
from rules.event import Handling, Severity
from rules.matching import MatchType
from rules.models import UNSAVED, DevelopmentHost, DeviceTeam, Rule
from rules.warnings import warnings_about_others, warnings_for

M = TypeVar("M", bound=Model)


class CleanedSerializer(serializers.ModelSerializer[M]):
    """Runs the model's `clean`, so that admin and API refuse the same things with the same words."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        model: Any = self.Meta.model
        fields = [field.name for field in model._meta.fields]  # noqa: SLF001 - Django's documented API
        current = {name: getattr(self.instance, name) for name in fields} if self.instance else {}
        draft = model(**{**current, **attrs})
        try:
            draft.clean()
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        self.draft: Any = draft
        return {name: getattr(draft, name) for name in {*attrs, *self.made_by_clean}}

    made_by_clean: frozenset[str] = frozenset()


def _words(words: Any) -> list[str]:
    return [word.value for word in words]


class RuleQuery(serializers.Serializer[Any]):
    """What a search for rules may ask for."""

    search = serializers.CharField(
        required=False, help_text="Text in name, description, notes, match_string or trap_oid."
    )
    is_active = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only rules that are, or are not, active."
    )
    match_type = serializers.ChoiceField(required=False, choices=_words(MatchType))
    team = serializers.CharField(required=False, help_text="The whole team_assignment, in any case.")
    handling = serializers.ChoiceField(
        required=False, choices=_words(Handling), help_text="In production or in development."
    )
    severity = serializers.ChoiceField(required=False, choices=_words(Severity))
    ordering = serializers.ChoiceField(
        required=False,
        choices=[f"{sign}{name}" for name in ("priority", "name", "updated_at", "id") for sign in ("", "-")],
        help_text="By what to sort; - for descending. By default as matching goes: priority, then id.",
    )


class HostQuery(serializers.Serializer[Any]):
    """What a search for development hosts may ask for."""

    search = serializers.CharField(required=False, help_text="Text in the host name or the description.")
    ordering = serializers.ChoiceField(required=False, choices=["hostname", "-hostname", "id", "-id"])


class TeamQuery(serializers.Serializer[Any]):
    """What a search for device teams may ask for."""

    search = serializers.CharField(required=False, help_text="Text in the host name.")
    team = serializers.CharField(required=False, help_text="The whole name of the team, in any case.")
    ordering = serializers.ChoiceField(required=False, choices=["hostname", "-hostname", "team", "-team", "id", "-id"])


class RuleSerializer(CleanedSerializer[Rule]):
    made_by_clean = frozenset({"name", "examples"})
    warnings = serializers.SerializerMethodField(
        help_text="What may be wrong all the same: that it can never win, or, after a change, that others cannot."
    )

    class Meta:
        model = Rule
        fields: tuple[str, ...] = (
            "id",
            "name",
            "description",
            "notes",
            "match_type",
            "match_string",
            "trap_oid",
            "syslog_severity",
            "priority",
            "prod_handling",
            "dev_handling",
            "team_assignment",
            "is_active",
            "examples",
            "warnings",
            "created_at",
            "updated_at",
        )
        extra_kwargs = {"name": {"required": False, "allow_blank": True}}  # noqa: RUF012 - DRF's way

    def get_warnings(self, rule: Rule) -> list[str]:
        changed = getattr(self.context.get("view"), "action", None) in {"create", "update", "partial_update"}
        return [*warnings_for(rule), *(warnings_about_others(rule) if changed else [])]


class DevelopmentHostSerializer(CleanedSerializer[DevelopmentHost]):
    class Meta:
        model = DevelopmentHost
        fields = ("id", "hostname", "description")


class DeviceTeamSerializer(CleanedSerializer[DeviceTeam]):
    class Meta:
        model = DeviceTeam
        fields = ("id", "hostname", "team")


def drafted(data: Any) -> Rule:
    """The rule that a draft describes; with an id, that rule with these fields changed. Raises ValidationError."""
    if not isinstance(data, dict):
        raise serializers.ValidationError({"draft": "An object with a rule's fields is wanted here."})
    identifier = data.get("id")
    rule = None
    if identifier is not None:
        whole = isinstance(identifier, int) and not isinstance(identifier, bool)
        rule = Rule.objects.filter(pk=identifier).first() if whole and 0 < identifier < 2**63 else None
        if rule is None:
            raise serializers.ValidationError({"draft": {"id": f"There is no rule with the id {identifier}."}})
    serializer = RuleSerializer(rule, data=data, partial=rule is not None)
    if not serializer.is_valid():
        raise serializers.ValidationError({"draft": serializer.errors})
    found: Rule = serializer.draft
    return found


class BulkSerializer(serializers.Serializer[Any]):
    """Many entries to be created, changed and deleted."""

    entries = serializers.ListField(
        child=serializers.DictField(), max_length=MOST, default=list, help_text="With the fields of one entry."
    )
    delete = serializers.ListField(
        child=serializers.JSONField(), max_length=MOST, default=list, help_text="Ids of rules, or names of hosts."
    )
    others = serializers.ChoiceField(
        choices=["keep", "delete"], default="keep", help_text="What becomes of all that is not among the entries."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would be done.")
    rule_set_version = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="409 if the rule set is not at this version any more."
    )


class BulkStepSerializer(serializers.Serializer[Any]):
    """One entry that was changed; `fields` has the values before and after."""

    action = serializers.ChoiceField(choices=["create", "update", "delete"])
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    fields_ = serializers.DictField(child=serializers.ListField(child=serializers.JSONField()))

    def get_fields(self) -> Any:
        """`fields` is a name of DRF's own."""
        fields = super().get_fields()
        fields["fields"] = fields.pop("fields_")
        return fields


class PointedSerializer(serializers.Serializer[Any]):
    """A sentence about one place of the request."""

    pointer = serializers.CharField()
    detail = serializers.CharField()


class BulkDoneSerializer(serializers.Serializer[Any]):
    """What was, or would be, done."""

    dry_run = serializers.BooleanField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    changes = BulkStepSerializer(many=True)
    warnings = PointedSerializer(many=True)
    rule_set_version = serializers.IntegerField()

    @staticmethod
    def of(done: Done, *, dry_run: bool) -> dict[str, Any]:
        return {
            "dry_run": dry_run,
            "created": done.count("create"),
            "updated": done.count("update"),
            "deleted": done.count("delete"),
            "unchanged": done.unchanged,
            "changes": [
                {"action": step.action, "id": step.row.pk, "name": step.name, "fields": step.fields}
                for step in done.steps
            ],
            "warnings": [{"pointer": pointer, "detail": detail} for pointer, detail in done.warnings],
            "rule_set_version": done.rule_set_version,
        }


class RuleTestSerializer(serializers.Serializer[Any]):
    """An event to try the rules on, and perhaps a draft of a rule."""

    event = serializers.JSONField(
        help_text="As it would be sent to the webhook; hostname and timestamp may be left out. A text is a raw line."
    )
    draft = serializers.DictField(
        required=False, allow_null=True, help_text="The fields of a rule; with the id of one, in its stead."
    )


class HighlightSerializer(serializers.Serializer[Any]):
    """Characters of a field of the event which a condition matched: from `begin` up to and without `end`."""

    field = serializers.ChoiceField(choices=["message", "trap_oid", "syslog_severity"])
    begin = serializers.IntegerField()
    end = serializers.IntegerField()


class MatchedRuleSerializer(serializers.Serializer[Any]):
    """A rule as it was matched; the id of an unsaved draft is null."""

    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    priority = serializers.IntegerField()
    match_type = serializers.ChoiceField(choices=_words(MatchType))
    match_string = serializers.CharField(allow_null=True)
    trap_oid = serializers.CharField(allow_null=True)
    syslog_severity = serializers.ChoiceField(choices=_words(Severity), allow_null=True)
    prod_handling = serializers.ChoiceField(choices=_words(Handling))
    dev_handling = serializers.ChoiceField(choices=_words(Handling))
    team_assignment = serializers.CharField(source="team")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = dict(super().to_representation(instance))
        return {**shown, "id": None if shown["id"] == UNSAVED else shown["id"]}


class CandidateSerializer(MatchedRuleSerializer):
    """A rule that matched, or nearly did, and why it wins or not."""

    wins = serializers.BooleanField()
    why = serializers.CharField()
    highlights = HighlightSerializer(many=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {
            **MatchedRuleSerializer(instance.rule).data,
            "wins": instance.wins,
            "why": instance.why,
            "highlights": HighlightSerializer(instance.highlights, many=True).data,
        }


class TestedEventSerializer(serializers.Serializer[Any]):
    """The event as rules see it."""

    hostname = serializers.CharField()
    message = serializers.CharField()
    syslog_severity = serializers.ChoiceField(choices=_words(Severity), allow_null=True)
    trap_oid = serializers.CharField(allow_null=True)


class ExplanationSerializer(serializers.Serializer[Any]):
    """The decision for an event, and why."""

    winner = MatchedRuleSerializer(allow_null=True)
    outcome = serializers.ChoiceField(choices=["forwarded", "ignored", "unmatched"])
    handling = serializers.ChoiceField(choices=_words(Handling), allow_null=True)
    environment = serializers.ChoiceField(choices=["prod", "dev"])
    environment_why = serializers.CharField()
    team = serializers.CharField()
    team_why = serializers.CharField()
    candidates = CandidateSerializer(many=True, help_text="All rules that match, the winner first.")
    near_misses = CandidateSerializer(
        many=True, help_text="Rules that another severity, or activation, would make match."
    )
    event = TestedEventSerializer()
    rule_set_version = serializers.IntegerField()


class NewBacktestSerializer(serializers.Serializer[Any]):
    """What to try on the past: the last so many events, or those of the last days."""

    draft = serializers.DictField(help_text="The fields of a rule; with the id of one, in its stead.")
    events = serializers.IntegerField(required=False, min_value=1, max_value=10_000_000)
    days = serializers.FloatField(required=False, min_value=0.001, max_value=3660)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "events" in attrs and "days" in attrs:
            raise serializers.ValidationError({"days": "Say either events or days."})
        return attrs


class BacktestOutcomeSerializer(serializers.Serializer[Any]):
    """What becomes of an event."""

    outcome = serializers.ChoiceField(choices=["forwarded", "ignored", "unmatched"])
    handling = serializers.ChoiceField(choices=_words(Handling), allow_null=True)
    rule = serializers.CharField(allow_null=True)
    team = serializers.CharField()


class BacktestExampleSerializer(serializers.Serializer[Any]):
    """A past event which the draft would have changed."""

    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    hostname = serializers.CharField()
    message = serializers.CharField(help_text="Its beginning.")


class TransitionSerializer(serializers.Serializer[Any]):
    """Events that would change in the same way."""

    from_ = BacktestOutcomeSerializer()
    to = BacktestOutcomeSerializer()
    count = serializers.IntegerField()
    examples = BacktestExampleSerializer(many=True)

    def get_fields(self) -> Any:
        """`from` is a word of Python's."""
        fields = super().get_fields()
        fields["from"] = fields.pop("from_")
        return {name: fields[name] for name in ("from", "to", "count", "examples")}


class BacktestSerializer(serializers.ModelSerializer[Backtest]):
    """A backtest, and what it has found so far."""

    transitions = TransitionSerializer(many=True)
    progress = serializers.FloatField(help_text="0 to 1.")

    class Meta:
        model = Backtest
        fields = (
            "id",
            "status",
            "problem",
            "progress",
            "examined",
            "changed",
            "transitions",
            "rule_set_version",
            "started_at",
            "requested_by",
        )
