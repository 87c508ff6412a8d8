"""Pages of admin that show, and edit nothing by Django's own forms."""

from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

M = TypeVar("M", bound=Model)


class UneditableAdmin(admin.ModelAdmin[M]):
    """Nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False


class OnePageAdmin(UneditableAdmin[M]):
    """There is no table: `changelist_view` is its one page."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """No entry can be opened."""
