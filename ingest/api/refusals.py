"""Requests that were refused as a whole, over the REST API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.moments import moment_of
from ingest.answers import Why
from ingest.traffic_looking import refusals_since, summed
from ingest.traffic_models import RefusedRequests

MOST_ROWS = 1000
_WORDS = [(why.value, why.value) for why in Why]


class RefusalQuery(serializers.Serializer[Any]):
    """Which refused requests."""

    since = serializers.CharField(
        required=False, default="-1h", help_text="Refused at or after: ISO 8601, or e.g. -1h; -1h by default."
    )
    why = serializers.ChoiceField(required=False, choices=_WORDS)
    api_key = serializers.CharField(required=False, max_length=100, help_text="The name of an API key.")
    address = serializers.CharField(required=False, max_length=100)


class RefusalSerializer(serializers.Serializer[Any]):
    """Refused requests of the same reason, key and address."""

    why = serializers.ChoiceField(choices=_WORDS)
    api_key = serializers.SerializerMethodField(help_text="The name of the API key, where it is known.")
    address = serializers.CharField(help_text="Where they came from; (others) beyond some hundreds in an hour.")
    requests = serializers.IntegerField(help_text="They are counted by the hour: up to an hour before since is in it.")
    last_at = serializers.DateTimeField()

    def get_api_key(self, row: Any) -> str | None:
        return row.api_key or None


class RefusalsSerializer(serializers.Serializer[Any]):
    """Refused requests by reason, key and address, the latest first."""

    since = serializers.DateTimeField()
    more = serializers.BooleanField(help_text=f"There are more than these {MOST_ROWS:,} rows: ask for less.")
    results = RefusalSerializer(many=True)


class RefusalsView(GenericAPIView[RefusedRequests]):
    """Requests to the webhook that were refused as a whole; they show up within some seconds and for 14 days."""

    queryset = RefusedRequests.objects.none()
    pagination_class = None
    serializer_class = RefusalsSerializer

    @extend_schema(
        operation_id="refusals",
        summary="Who was refused at the door, and why",
        parameters=[RefusalQuery],
        responses=RefusalsSerializer,
    )
    def get(self, request: Request) -> Response:
        query = RefusalQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted: dict[str, Any] = query.validated_data
        try:
            since = moment_of(wanted.pop("since"), timezone.now())
        except ValueError as error:
            raise ValidationError({"since": str(error)}) from error
        rows = summed(refusals_since(since).filter(**wanted), MOST_ROWS + 1)
        found = {"since": since, "more": len(rows) > MOST_ROWS, "results": rows[:MOST_ROWS]}
        return Response(RefusalsSerializer(found).data)
