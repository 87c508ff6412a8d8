"""People in admin: who has a second factor, and taking it from somebody who has lost it.

django-otp's own pages would show keys and recovery codes.
"""

import logging

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from ingest.addresses import address_of
from mutt_project.login import second_factor

logger = logging.getLogger(__name__)

admin.site.unregister([User, TOTPDevice, StaticDevice])


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    list_display = ("username", "email", "is_staff", "is_active", "has_second_factor")
    actions = ("remove_second_factor",)

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return bool(user.enrolled)  # type: ignore[attr-defined] # as below

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(enrolled=Exists(devices))

    @admin.action(description="Remove the second factor", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        removed = [user.get_username() for user in people if second_factor.remove(user)]
        for name in removed:
            logger.warning(
                "second factor removed: user “%s” by “%s” from %s",
                *(name, request.user.get_username(), address_of(request)),
            )
        told = ", ".join(removed) or "nobody: none of them has one"
        messages.success(request, f"The second factor was taken from {told}.")
