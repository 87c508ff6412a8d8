"""Who may manage whom: nobody gives, or takes over, rights that he has not himself."""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet


def rights_of(person: User) -> QuerySet[Permission]:
    """What the person may do once active; a superuser may do everything."""
    if person.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(user=person) | Q(group__user=person)).distinct()


def rights_lacking(person: User) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=rights_of(person).values("pk"))


def groups_within(person: User) -> QuerySet[Group]:
    """The groups that give nothing the person lacks."""
    if person.is_superuser:
        return Group.objects.all()
    return Group.objects.exclude(permissions__in=rights_lacking(person))


def may_manage(person: User, other: User) -> bool:
    """Whoever could log in as the other one would have the other's rights: so he must have them already."""
    if person.is_superuser:
        return True
    return not other.is_superuser and not rights_lacking(person).filter(pk__in=rights_of(other).values("pk")).exists()


def may_manage_group(person: User, group: Group) -> bool:
    """Nobody but a superuser changes a group that he is in, or one that may do what he may not."""
    if person.is_superuser:
        return True
    return groups_within(person).filter(pk=group.pk).exclude(user=person).exists()
