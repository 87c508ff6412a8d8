"""The status over the REST API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Record
from ingest.authentication import Caller
from mutt_project.status.check import State
from mutt_project.status.gathering import status

_STATES = [(state.value, state.value) for state in State]


class CheckSerializer(serializers.Serializer[Any]):
    """One thing that was looked at."""

    name = serializers.CharField()
    state = serializers.ChoiceField(_STATES)
    text = serializers.CharField(help_text="What was found.")
    mend = serializers.CharField(help_text="What to do about it; empty where nothing is to be done.")


class QueueSerializer(serializers.Serializer[Any]):
    """One of Celery's queues."""

    name = serializers.CharField()
    messages = serializers.IntegerField()
    workers = serializers.IntegerField(help_text="How many answer that work on it.")


class LeftOutRuleSerializer(serializers.Serializer[Any]):
    """An active rule that cannot be matched."""

    id = serializers.IntegerField(source="rule_id")
    name = serializers.CharField()
    why = serializers.CharField()


class RulesLookSerializer(serializers.Serializer[Any]):
    """How the rules stand."""

    version = serializers.IntegerField()
    active = serializers.IntegerField()
    left_out = LeftOutRuleSerializer(many=True)


class KeyInUseSerializer(serializers.Serializer[Any]):
    """The API key of this request."""

    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class StatusSerializer(serializers.Serializer[Any]):
    """How MUTT is."""

    state = serializers.ChoiceField(_STATES, help_text="The worst of all checks.")
    checks = CheckSerializer(many=True)
    versions = serializers.DictField(child=serializers.CharField(allow_null=True))
    rules = RulesLookSerializer(allow_null=True, help_text="Null while PostgreSQL is away.")
    queues = QueueSerializer(many=True, help_text="Empty while Redis is away.")
    key = KeyInUseSerializer(allow_null=True, help_text="Null for a person.")


class StatusView(APIView):
    """Everything that may be wrong with MUTT, looked at now."""

    queryset = Record.objects.none()  # whose permission a person needs

    @extend_schema(summary="How MUTT is: every check, with its reason and how to mend it", responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        """Takes a second or more: workers are asked, and stores that are away are waited for a while."""
        now = status()
        fields = {name: getattr(now, name) for name in ("state", "checks", "versions", "rules", "queues")}
        return Response(StatusSerializer({**fields, "key": _key(request.user)}).data)


def _key(user: Any) -> dict[str, Any] | None:
    if not isinstance(user, Caller):
        return None
    return {"name": user.name, "scopes": sorted(user.scopes), "expires_at": user.expires_at}
