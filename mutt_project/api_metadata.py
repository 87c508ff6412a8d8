"""What the API answers to OPTIONS: no more than anybody knows who may look; the fields are in the OpenAPI document."""

from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request


class PlainMetadata(SimpleMetadata):
    """Without DRF's forms, whose choices are not for everybody."""

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:  # noqa: ARG002 - DRF's signature
        return {}
