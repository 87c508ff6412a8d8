"""The roles of people in admin, as Django groups with permissions."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission

_RULES = ("rule", "developmenthost", "deviceteam")
_WRITTEN = (
    *("audit.record", "audit.attempt", "audit.deadletter", "audit.archive", "ingest.quarantined", "ingest.replay"),
    *("forwarder.destination", "ingest.refusedrequests", "audit.setting"),
)
_OPERATED = (
    *("ingest.resend_quarantined", "audit.replay_deadletter", "audit.discard_deadletter"),
    *("ingest.change_replay", "forwarder.operate_destination"),
)
_ALL = ("add", "change", "delete", "view")

ROLES: dict[str, tuple[str, ...]] = {
    "MUTT viewer": (
        *(f"rules.view_{model}" for model in _RULES),
        *(name.replace(".", ".view_") for name in _WRITTEN),
    ),
    "MUTT editor": (
        *(f"rules.{action}_{model}" for action in _ALL for model in _RULES),
        *(name.replace(".", ".view_") for name in _WRITTEN),
    ),
    "MUTT operator": (
        *(f"rules.view_{model}" for model in _RULES),
        *(name.replace(".", ".view_") for name in _WRITTEN),
        *_OPERATED,
        "audit.view_change",
    ),
    "MUTT admin": (
        "audit.view_change",
        *(f"rules.{action}_{model}" for action in _ALL for model in _RULES),
        *(name.replace(".", ".view_") for name in _WRITTEN),
        *(f"ingest.{action}_apikey" for action in _ALL),
        "ingest.delete_quarantined",
        "audit.retain_archive",
        "audit.change_setting",
        *_OPERATED,
        *(f"auth.{action}_user" for action in _ALL),
        *(f"auth.{action}_group" for action in _ALL),
    ),
}


def ensure_roles() -> list[str]:
    """Make the groups, or give them again what belongs to them; what was added by hand stays. Returns their names."""
    for name, permissions in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*_permissions(permissions))
    return list(ROLES)


def _permissions(names: Iterable[str]) -> Iterable[Permission]:
    for name in names:
        app, codename = name.split(".")
        yield Permission.objects.get(content_type__app_label=app, codename=codename)
