"""Who comes by the provider becomes a person here, with the roles that the provider's groups give, and no others."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from mutt_project.models import ProviderIdentity

_LONGEST_NAME = 150


class NotWelcome(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """The provider knows this person, MUTT does not let them in; the message says why."""


def admit(issuer: str, claims: Mapping[str, Any]) -> User:
    """The person whom these claims are about, with the roles of today. Raises NotWelcome."""
    known = ProviderIdentity.objects.select_related("user").filter(issuer=issuer, subject=claims["sub"]).first()
    roles = roles_in(claims)
    if known:
        _give(known.user, roles)
    if not roles:
        raise NotWelcome("None of your groups has a role in MUTT: ask its administrators (MUTT_OIDC_ROLES).")
    if known and not known.user.is_active:
        raise NotWelcome("Your account in MUTT was deactivated.")
    return known.user if known else _made(issuer, claims, roles)


def roles_in(claims: Mapping[str, Any]) -> set[str]:
    """The names of MUTT's roles."""
    groups = claims.get(settings.MUTT_OIDC_GROUPS_CLAIM)
    groups = [groups] if isinstance(groups, str) else groups
    if not isinstance(groups, list):
        return set()
    return {role for group, role in settings.MUTT_OIDC_ROLES.items() if group in groups}


@transaction.atomic
def _made(issuer: str, claims: Mapping[str, Any], roles: set[str]) -> User:
    username = claims.get(settings.MUTT_OIDC_USERNAME_CLAIM)
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError:
        username = None
    if not isinstance(username, str) or len(username) > _LONGEST_NAME:
        raise NotWelcome(f"The provider tells no usable name in {settings.MUTT_OIDC_USERNAME_CLAIM}.")
    # Never an account that is there: at the provider, anybody may be called as an administrator is here.
    if User.objects.filter(username__iexact=username).exists():
        raise NotWelcome(f"There is an account “{username}” already, which does not belong to the provider.")
    user = User.objects.create_user(username)
    ProviderIdentity.objects.create(user=user, issuer=issuer, subject=claims["sub"])
    _give(user, roles)
    return user


def _give(user: User, roles: set[str]) -> None:
    """Roles that no group of the provider gives stay as they are."""
    given_by_provider = set(settings.MUTT_OIDC_ROLES.values())
    user.groups.remove(*Group.objects.filter(name__in=given_by_provider - roles))
    user.groups.add(*Group.objects.filter(name__in=roles))
    user.is_staff = bool(roles)
    user.save(update_fields=["is_staff"])
