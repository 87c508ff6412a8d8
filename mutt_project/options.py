"""What OPTIONS answers: DRF's own answer makes each form of the view, which takes locks, and fails where none is."""

from typing import TYPE_CHECKING

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:
    # At run time this would be a circle: DRF's views import this module.
    from rest_framework.views import APIView


class NameOnly(BaseMetadata):
    """The name of what is at an address; the OpenAPI document has the rest."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, str]:  # noqa: ARG002 - DRF's signature
        return {"name": view.get_view_name(), "description": "/api/v1/openapi.yaml describes every operation."}
