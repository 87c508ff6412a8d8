"""Settings as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.changes import MAX_REASON_LENGTH
from audit.tuning.storing import Standing
from audit.tuning.tunables import TOPICS, Kind, plain

ORIGINS = ("run time", "environment", "default")
_TOPIC_OF = {name: topic for topic, names in TOPICS.items() for name in names}


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ValuesField(serializers.DictField):
    """Values by name, of which each may be null; by itself drf-spectacular would say that null is two things."""

    child = serializers.JSONField(allow_null=True)


class ValueField(serializers.JSONField):
    """A value of a setting, as people write it: 300 and never 300.0."""

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(plain(value))


class SettingSerializer(serializers.Serializer[Any]):
    """A setting that can be changed at run time."""

    name = serializers.CharField(help_text="Also that of the environment variable which is its default.")
    topic = serializers.CharField()
    type = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    unit = serializers.CharField()
    meaning = serializers.CharField()
    bounds = serializers.CharField()
    value = ValueField(help_text="A number, a text, or a list of texts.")
    default = ValueField(help_text="What holds where nobody sets it: what the environment says.")
    origin = serializers.ChoiceField(choices=ORIGINS, help_text="Where the value comes from.")
    by = serializers.CharField(help_text="Who changed it last; empty: nobody ever did.")
    at = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField()


class ConfigSerializer(serializers.Serializer[Any]):
    """All of them; the version is the number of the last change, as `/api/v1/changes` has it."""

    version = serializers.IntegerField()
    settings = SettingSerializer(many=True)


class ChangeConfigSerializer(serializers.Serializer[Any]):
    """What is to be changed, all of it or nothing."""

    values = ValuesField(allow_empty=False, help_text="Values by name; null: back to its default.")
    reason = serializers.CharField(
        max_length=MAX_REASON_LENGTH, required=False, default="", help_text="Why; or in X-Change-Reason."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would be changed.")


class SetSettingSerializer(serializers.Serializer[Any]):
    """What a setting is to be."""

    value = serializers.JSONField(help_text="Within its bounds.")
    reason = serializers.CharField(
        max_length=MAX_REASON_LENGTH, required=False, default="", help_text="Why; or in X-Change-Reason."
    )


class DifferenceSerializer(serializers.Serializer[Any]):
    """What becomes of a setting."""

    name = serializers.CharField()
    before = ValueField()
    after = ValueField()
    risk = serializers.CharField(help_text="What may come of it; empty where no guard is loosened.")


class ConfigChangedSerializer(serializers.Serializer[Any]):
    """What was changed, or would be."""

    dry_run = serializers.BooleanField()
    changes = DifferenceSerializer(many=True)


def as_json(standing: Standing) -> dict[str, Any]:
    """The fields of SettingSerializer."""
    tunable = standing.tunable
    shown = {
        "name": tunable.name,
        "topic": _TOPIC_OF[tunable.name],
        "type": tunable.kind.value,
        "unit": tunable.unit,
        "meaning": tunable.in_plain_words,
        "bounds": tunable.bounds,
        "value": standing.value,
        "default": standing.default,
        "origin": standing.origin,
        "by": standing.by,
        "at": standing.at,
        "why": standing.why,
    }
    return dict(SettingSerializer(shown).data)
