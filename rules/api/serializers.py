"""Rules, development hosts and device teams as JSON; the models' own checks decide what is valid."""

from typing import Any, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model
from rest_framework import serializers

from rules.models import DevelopmentHost, DeviceTeam, Rule

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
        return {name: getattr(draft, name) for name in attrs}


class RuleQuery(serializers.Serializer[Any]):
    """What a search for rules may ask for."""

    search = serializers.CharField(required=False, help_text="Text in name, description or match_string.")
    is_active = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only rules that are, or are not, active."
    )


class RuleSerializer(CleanedSerializer[Rule]):
    class Meta:
        model = Rule
        fields = (
            "id",
            "name",
            "description",
            "match_type",
            "match_string",
            "trap_oid",
            "syslog_severity",
            "priority",
            "prod_handling",
            "dev_handling",
            "team_assignment",
            "is_active",
            "created_at",
            "updated_at",
        )


class DevelopmentHostSerializer(CleanedSerializer[DevelopmentHost]):
    class Meta:
        model = DevelopmentHost
        fields = ("id", "hostname", "description")


class DeviceTeamSerializer(CleanedSerializer[DeviceTeam]):
    class Meta:
        model = DeviceTeam
        fields = ("id", "hostname", "team")
