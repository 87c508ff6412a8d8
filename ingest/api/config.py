"""Settings over the REST API: to look at, to change at run time, to take back to their defaults."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from audit.changes import asked_by
from audit.tuning.models import Setting
from audit.tuning.storing import ChangedSinceError, Difference, InvalidError, change, current_version, standing
from audit.tuning.tunables import TUNABLES
from ingest.api.config_serializers import (
    ChangeConfigSerializer,
    ConfigChangedSerializer,
    ConfigSerializer,
    SetSettingSerializer,
    SettingSerializer,
    as_json,
)
from ingest.authentication import HasAdminScope, HasScope
from rules.api.editing import IF_MATCH, REASON, ChangedSince, PointedError, author_of, reason_of

_TAG = re.compile(r'"([0-9]{1,18})"')
NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="Such as `MOOGSOFT_BATCH_SIZE`.")


class ConfigViewSet(viewsets.GenericViewSet[Setting]):
    """What is changed here holds in every process within a few seconds, and is noted like every change."""

    queryset = Setting.objects.none()
    pagination_class = None
    people_need: ClassVar[dict[str, tuple[str, ...]]] = {"reset": ("change",)}

    def get_permissions(self) -> list[Any]:
        """To look needs `read`, all else `admin`."""
        return [HasScope() if self.request.method in SAFE_METHODS else HasAdminScope()]

    def get_serializer_class(self) -> Any:
        """What is sent to it: for the form on the page of the browsable API."""
        return ChangeConfigSerializer if self.action in {"look", "change"} else SetSettingSerializer

    @extend_schema(operation_id="config_list", summary="All settings", responses=ConfigSerializer)
    def look(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """Those that can be changed at run time; the ETag is for `If-Match`."""
        version, settings = standing()
        shown = {"version": version, "settings": [as_json(one) for one in settings]}
        return Response(shown, headers=_tagged(version))

    @extend_schema(
        operation_id="config_change",
        summary="Change several settings",
        parameters=[REASON, IF_MATCH],
        request=ChangeConfigSerializer,
        responses=ConfigChangedSerializer,
    )
    def change(self, request: Request) -> Response:
        """All of them or, where one cannot be so, none. A low and a high mark are best changed together."""
        asked = ChangeConfigSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        planned_on = (
            current_version() if given["dry_run"] else 0
        )  # read first: what is changed after it refuses the plan
        changes = self._change(given["values"], given["reason"], "/values/", dry_run=given["dry_run"])
        shown = ConfigChangedSerializer({"dry_run": given["dry_run"], "changes": changes}).data
        return Response(shown, headers=_tagged(planned_on) if given["dry_run"] else None)

    @extend_schema(operation_id="config_get", summary="A setting", parameters=[NAME], responses=SettingSerializer)
    def look_at(self, request: Request, name: str) -> Response:  # noqa: ARG002 - DRF's signature
        version, settings = standing()
        return Response(as_json(_of(settings, name)), headers=_tagged(version))

    @extend_schema(
        operation_id="config_set",
        summary="Set a setting",
        parameters=[NAME, REASON, IF_MATCH],
        request=SetSettingSerializer,
        responses=SettingSerializer,
    )
    def replace(self, request: Request, name: str) -> Response:
        """It holds until it is changed again, also after a restart."""
        _known(name)
        asked = SetSettingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        self._change({name: asked.validated_data["value"]}, asked.validated_data["reason"], "/value")
        return self.look_at(request, name)

    @extend_schema(
        operation_id="config_reset",
        summary="Take a setting back to its default",
        parameters=[NAME, REASON, IF_MATCH],
        responses={204: None},
    )
    def reset(self, request: Request, name: str) -> Response:  # noqa: ARG002 - DRF's signature
        """To what the environment says."""
        _known(name)
        self._change({name: None}, "", "/")
        return Response(status=204)

    def _change(
        self, values: Mapping[str, Any], reason: str, pointer: str, *, dry_run: bool = False
    ) -> list[Difference]:
        why = " ".join(reason.split()) or reason_of(self.request)
        if not why and not dry_run:
            raise PointedError([("/reason", "Say why, here or in the header X-Change-Reason: it is kept.")])
        try:
            with asked_by(author_of(self.request), why):
                return change(values, expected=self._expected(), dry_run=dry_run)
        except InvalidError as error:
            many = pointer.endswith("/")
            faults = [(pointer + name if many else pointer, fault) for name, fault in error.faults.items()]
            raise PointedError(faults) from error
        except ChangedSinceError as error:
            raise ChangedSince from error

    def _expected(self) -> int | None:
        wanted = self.request.headers.get("If-Match", "").strip()
        if wanted in {"", "*"}:
            return None
        tag = _TAG.fullmatch(wanted)
        if not tag:
            raise ChangedSince
        return int(tag[1])


def _tagged(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def _known(name: str) -> None:
    if name not in TUNABLES:
        raise NotFound("No such setting can be changed at run time: GET /api/v1/config has those that can.")


def _of(settings: list[Any], name: str) -> Any:
    _known(name)
    return next(one for one in settings if one.tunable.name == name)
