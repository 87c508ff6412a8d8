"""The objectives over the REST API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Record
from mutt_project.slo.budget import State
from mutt_project.slo.objectives import Measure
from mutt_project.slo.standing import Standing, standings


class BudgetSerializer(serializers.Serializer[Any]):
    """How many may be bad, by what there was so far, and how many were."""

    allowed = serializers.FloatField()
    spent = serializers.IntegerField()
    remaining = serializers.FloatField(help_text="A share: 1 is all of it, below 0 more was spent than there is.")


class BurnSerializer(serializers.Serializer[Any]):
    """How many times faster than it lasts for the budget is spent; null where nothing came."""

    window = serializers.CharField()
    rate = serializers.FloatField(allow_null=True)
    short_window = serializers.CharField(help_text="A twelfth of the window: whether it still goes on.")
    short_rate = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField()
    burning = serializers.BooleanField(help_text="Both rates have reached the threshold.")


class ObjectiveSerializer(serializers.Serializer[Any]):
    """An objective and how it stands. Where nothing came, nothing is said: null is not 100 %."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    measure = serializers.ChoiceField(choices=[(word.value, word.value) for word in Measure])
    target = serializers.FloatField()
    within_s = serializers.FloatField(allow_null=True, help_text="For latencies: what is good, in seconds.")
    window_days = serializers.IntegerField()
    good = serializers.IntegerField()
    total = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True)
    budget = BudgetSerializer(allow_null=True)
    burn = BurnSerializer(many=True)
    state = serializers.ChoiceField(choices=[(word.value, word.value) for word in State], allow_null=True)


class ObjectivesSerializer(serializers.Serializer[Any]):
    """All objectives, as they are in the file."""

    at = serializers.DateTimeField()
    results = ObjectiveSerializer(many=True)


class SloView(APIView):
    """Service level objectives with their error budgets."""

    queryset = Record.objects.none()  # whose permission a person needs

    @extend_schema(
        operation_id="slo",
        summary="The objectives, their budgets, and how fast these burn",
        responses=ObjectivesSerializer,
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        now = timezone.now()
        found = {"at": now, "results": [as_json(standing) for standing in standings(now)]}
        return Response(ObjectivesSerializer(found).data)


def as_json(standing: Standing) -> dict[str, Any]:
    """An objective in the words of the API."""
    objective, budget = standing.objective, standing.budget
    return {
        "name": objective.name,
        "description": objective.description,
        "measure": objective.measure,
        "target": objective.target,
        "within_s": objective.within_s,
        "window_days": objective.window.days,
        "good": standing.count.good,
        "total": standing.count.total,
        "ratio": _rounded(standing.count.ratio, 6),
        "budget": budget
        and {
            "allowed": round(budget.allowed, 3),
            "spent": budget.spent,
            "remaining": round(budget.remaining, 4),
        },
        "burn": [
            {
                "window": burn.rule.name,
                "rate": _rounded(burn.rate, 3),
                "short_window": burn.rule.short_name,
                "short_rate": _rounded(burn.short_rate, 3),
                "threshold": burn.rule.threshold,
                "burning": burn.burning,
            }
            for burn in standing.burns
        ],
        "state": standing.state,
    }


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
