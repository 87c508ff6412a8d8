"""Refused requests in admin: to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.admin import ReadOnlyAdmin
from ingest.answers import Why
from ingest.traffic_models import RefusedRequests


class WhyFilter(admin.SimpleListFilter):
    """All reasons there are, for which no table is read."""

    title = "why"
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        return [(why.value, why.value) for why in Why]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - as above
        return queryset.filter(why=self.value()) if self.value() in set(Why) else queryset


@admin.register(RefusedRequests)
class RefusedRequestsAdmin(ReadOnlyAdmin[RefusedRequests]):
    list_display = ("hour", "why", "api_key", "address", "requests", "last_at")
    list_filter = (WhyFilter,)
    search_fields = ("api_key__icontains", "address__icontains")
    search_help_text = "Part of the key's name or of the address."
    ordering = ("-hour", "-last_at", "-id")
    show_facets = admin.ShowFacets.NEVER  # they would count the table
