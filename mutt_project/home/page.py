"""The home page of admin: how everything stands, above the list of what there is."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.generic import View

from mutt_project.home.gathering import gather


class HomePage(View):
    """The page, or (asked with X-Fragment) the part of it that its script puts in again every few seconds."""

    def get(self, request: HttpRequest) -> HttpResponse:
        may_look = request.user.has_perm("audit.view_record")
        operating: dict[str, Any] = gather(timezone.now()) if may_look else {}
        context = {
            "may_look": may_look,
            "may_ask": may_look and request.user.has_perm("ingest.view_quarantined"),
            "may_make_rules": request.user.has_perm("rules.add_rule"),
            **operating,
        }
        if request.headers.get("X-Fragment"):
            if not may_look:
                raise PermissionDenied
            return TemplateResponse(request, "mutt_project/home_operating.html", context)
        site = {**admin.site.each_context(request), "app_list": admin.site.get_app_list(request)}
        return TemplateResponse(request, "mutt_project/home.html", {**site, "title": "How MUTT is", **context})
