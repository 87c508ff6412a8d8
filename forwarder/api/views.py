"""The breaker over the REST API: to look at, to force, to resume."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from forwarder.api.serializers import BreakerSerializer, ResumeSerializer, WishSerializer, as_json
from forwarder.breaker import Wish
from forwarder.looking import delivering
from forwarder.models import Destination
from forwarder.operating import force, resume
from rules.api.editing import author_of


class BreakerViewSet(viewsets.GenericViewSet[Destination]):
    """Whether Moogsoft may be asked at all."""

    queryset = Destination.objects.none()
    pagination_class = None
    detail = True
    people_need: ClassVar[dict[str, tuple[str, ...]]] = {"update": ("operate",), "resume": ("operate",)}

    def get_serializer_class(self) -> Any:
        """What is sent to it: for the form on the page of the browsable API."""
        return ResumeSerializer if self.action == "resume" else WishSerializer

    @extend_schema(summary="The breaker, the rate limit, and what waits", responses=BreakerSerializer)
    def retrieve(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(as_json(delivering()))

    @extend_schema(summary="Force the breaker", request=WishSerializer, responses=BreakerSerializer)
    def update(self, request: Request) -> Response:
        """Open: nothing is sent. Closed: everything is, whatever fails. Both end by themselves."""
        asked = WishSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish: dict[str, Any] = asked.validated_data
        force(Wish(wish["state"]), wish["reason"], author_of(request), wish["for_s"])
        return Response(as_json(delivering()))

    @extend_schema(
        operation_id="breaker_resume",
        summary="Resume a paused destination",
        request=ResumeSerializer,
        responses=BreakerSerializer,
    )
    def resume(self, request: Request) -> Response:
        """Moogsoft refused the key (401, 403), and that has been mended. Where it was not paused, nothing changes."""
        asked = ResumeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        resume(asked.validated_data["reason"], author_of(request))
        return Response(as_json(delivering()))
