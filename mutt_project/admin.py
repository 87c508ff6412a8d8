"""People and their roles in admin. Django's own pages would let whoever manages people make himself a superuser.

django-otp's own pages would show keys and recovery codes.
"""

import logging
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from ingest.addresses import address_of
from mutt_project.login import second_factor
from mutt_project.standing_above import groups_within, may_manage, may_manage_group, rights_of

logger = logging.getLogger(__name__)

admin.site.unregister([User, Group, TOTPDevice, StaticDevice])
_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """Nobody changes his own rights, so the last superuser stays; nobody manages who has rights that he lacks."""

    list_display = ("username", "email", "is_staff", "is_active", "has_second_factor")
    actions = ("remove_second_factor",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is not None and obj.pk == request.user.pk:
            return (*super().get_readonly_fields(request, obj), *_RIGHTS)
        if not request.user.is_superuser:
            return (*super().get_readonly_fields(request, obj), "is_superuser")
        return super().get_readonly_fields(request, obj)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only what one has oneself can be given."""
        if db_field.name == "groups":
            kwargs["queryset"] = groups_within(_caller(request))
        if db_field.name == "user_permissions":
            kwargs["queryset"] = rights_of(_caller(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(_caller(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or (obj.pk != request.user.pk and may_manage(_caller(request), obj))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's signature
        """One's own is changed where the old one is asked for."""
        if id == str(request.user.pk):
            return HttpResponseRedirect(reverse("admin:password_change"))
        return super().user_change_password(request, id, form_url)

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return bool(user.enrolled)  # type: ignore[attr-defined] # as below

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(enrolled=Exists(devices))

    @admin.action(description="Remove the second factor", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        caller = _caller(request)
        others = [user for user in people if user.pk != caller.pk and may_manage(caller, user)]
        removed = [user.get_username() for user in others if second_factor.remove(user)]
        for name in removed:
            logger.warning(
                "second factor removed: user “%s” by “%s” from %s",
                *(name, request.user.get_username(), address_of(request)),
            )
        told = ", ".join(removed) or "nobody: none of them has one, or it is your own"
        messages.success(request, f"The second factor was taken from {told}.")


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """A role can be given no right that one lacks, and nobody changes a role of his own."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions" and request is not None:
            kwargs["queryset"] = rights_of(_caller(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage_group(_caller(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_manage_group(_caller(request), obj))


def _caller(request: HttpRequest) -> User:
    caller: Any = request.user  # somebody who is logged in: `admin_view` has seen to it
    return caller  # type: ignore[no-any-return] # Django has a lazy object in its place
