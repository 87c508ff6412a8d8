"""People and their roles in admin. Django's own pages would let whoever manages people make himself a superuser."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from mutt_project.standing_above import groups_within, may_manage, may_manage_group, rights_of

admin.site.unregister([User, Group])
_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """Nobody changes his own rights, so the last superuser stays; nobody manages who has rights that he lacks."""

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
