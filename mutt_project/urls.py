"""All addresses. API paths carry no trailing slash."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.routers import APIRootView, DefaultRouter

import ingest.openapi  # noqa: F401 - tells drf-spectacular of our keys
from audit.api.export import EventExportView
from audit.api.views import LedgerView
from forwarder.api.views import BreakerViewSet
from ingest.api.changes import ChangeExportView, ChangeViewSet
from ingest.api.config import ConfigViewSet
from ingest.api.dead_letters import DeadLetterViewSet, ReplayViewSet
from ingest.api.keys import ApiKeyViewSet
from ingest.api.refusals import RefusalsView
from ingest.api.retention import RetentionViewSet
from ingest.api.views import QuarantineViewSet
from ingest.preview import preview
from ingest.views import webhook
from mutt_project.health import healthz, metrics, readyz
from mutt_project.home.page import HomePage
from mutt_project.login.api import LoginView, LogoutView
from mutt_project.login.pages import LoginCodePage, LoginPage
from mutt_project.login.provider_pages import from_provider, to_provider
from mutt_project.login.second_factor_page import SecondFactorPage
from mutt_project.slo.api import SloView
from mutt_project.status.api import StatusView
from mutt_project.why.api import WhyViewSet
from mutt_project.why.pages import WhyNotPage, WhyPage
from rules.api.testing import BacktestsView, BacktestView, RuleTestView
from rules.api.views import DevelopmentHostViewSet, DeviceTeamViewSet, RuleViewSet
from rules.models import DeviceTeam
from rules.pages import BacktestPage, BacktestResultPage, ExplainPage
from rules.paste_page import PastePage

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "MUTT"
admin.site.index_title = "Rules, and what became of events (times are UTC)"

_in_admin = admin.site.admin_view


class RootView(APIRootView):
    """Where the lists of the API are."""

    for_all_staff = True


router = DefaultRouter(trailing_slash=False)
router.APIRootView = RootView
router.register("events", WhyViewSet, basename="event")
router.register("changes", ChangeViewSet, basename="change")
router.register("rules", RuleViewSet, basename="rule")
router.register("dev-hosts", DevelopmentHostViewSet, basename="development-host")
router.register("dead-letters", DeadLetterViewSet, basename="dead-letter")
router.register("replays", ReplayViewSet, basename="replay")
router.register("keys", ApiKeyViewSet, basename="key")
router.register("quarantine", QuarantineViewSet, basename="quarantine")
router.register("teams", DeviceTeamViewSet, basename="device-team")

urlpatterns = [
    path("webhook", webhook, name="webhook"),
    path("webhook/<str:source>", webhook, name="webhook-source"),
    path("webhook/<str:source>/<str:token>", webhook, name="webhook-token"),
    path("api/v1/events/export", EventExportView.as_view(), name="event-export"),
    path("api/v1/changes/export", ChangeExportView.as_view(), name="change-export"),
    path("api/v1/ledger", LedgerView.as_view(), name="ledger"),
    path("api/v1/refusals", RefusalsView.as_view(), name="refusals"),
    path("api/v1/slo", SloView.as_view(), name="slo"),
    path("api/v1/status", StatusView.as_view(), name="status"),
    path("api/v1/breaker", BreakerViewSet.as_view({"get": "retrieve", "put": "update"}), name="breaker"),
    path("api/v1/breaker/resume", BreakerViewSet.as_view({"post": "resume"}), name="breaker-resume"),
    path("api/v1/retention", RetentionViewSet.as_view({"get": "retrieve", "post": "retain"}), name="retention"),
    path("api/v1/retention/restore", RetentionViewSet.as_view({"post": "restore"}), name="retention-restore"),
    path("api/v1/config", ConfigViewSet.as_view({"get": "look", "patch": "change"}), name="config"),
    path(
        "api/v1/config/<str:name>",
        ConfigViewSet.as_view({"get": "look_at", "put": "replace", "delete": "reset"}),
        name="config-setting",
    ),
    path("api/v1/auth/login", LoginView.as_view(), name="api-login"),
    path("api/v1/auth/logout", LogoutView.as_view(), name="api-logout"),
    path("api/v1/openapi.yaml", SpectacularAPIView.as_view(), name="openapi"),
    path(
        "api/v1/docs",
        SpectacularSwaggerSplitView.as_view(url_name="openapi", template_name="mutt_project/swagger_ui.html"),
        name="swagger-ui",
    ),
    path(
        "api/v1/redoc",
        SpectacularRedocView.as_view(url_name="openapi", template_name="mutt_project/redoc.html"),
        name="redoc",
    ),
    path("api/v1/rules/test", RuleTestView.as_view(read_event=preview), name="rule-test"),
    path("api/v1/rules/backtests", BacktestsView.as_view(), name="backtests"),
    path("api/v1/rules/backtests/<uuid:id>", BacktestView.as_view(), name="backtest"),
    path("api/v1/", include(router.urls)),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/rules/rule/explain/", _in_admin(ExplainPage.as_view(read_event=preview)), name="rule-explain"),
    path("admin/rules/rule/backtest/", _in_admin(BacktestPage.as_view()), name="rule-backtests"),
    path("admin/rules/rule/backtest/<uuid:id>/", _in_admin(BacktestResultPage.as_view()), name="rule-backtest"),
    path("admin/rules/developmenthost/paste/", _in_admin(PastePage.as_view()), name="paste-developmenthost"),
    path("admin/rules/deviceteam/paste/", _in_admin(PastePage.as_view(model=DeviceTeam)), name="paste-deviceteam"),
    path("admin/audit/record/why-not/", _in_admin(WhyNotPage.as_view()), name="why-not"),
    path("admin/audit/record/<uuid:id>/change/", _in_admin(WhyPage.as_view()), name="why"),
    path("admin/login/", LoginPage.as_view(), name="login"),
    path("admin/login/code/", LoginCodePage.as_view(), name="login-code"),
    path("admin/login/provider/", to_provider, name="provider-login"),
    path("admin/login/provider/callback/", from_provider, name="provider-callback"),
    path("admin/second-factor/", _in_admin(SecondFactorPage.as_view()), name="second-factor"),
    path("admin/", _in_admin(HomePage.as_view())),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index", http_method_names=["get", "head"]), name="home"),
]

handler400 = "mutt_project.problems.bad_request"
handler403 = "mutt_project.problems.forbidden"
handler404 = "mutt_project.problems.not_found"
handler500 = "mutt_project.problems.server_error"
