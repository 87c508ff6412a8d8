"""From the page of a thing to its changes."""

from urllib.parse import urlencode

from django import template
from django.db.models import Model
from django.urls import reverse

from audit.changes import KINDS

register = template.Library()


@register.filter
def changes_of(entry: Model) -> str:
    """Where its changes are listed; empty for what is not noted."""
    kind = KINDS.get(entry._meta.label_lower)  # noqa: SLF001 - Django's documented Model._meta API
    if kind is None:
        return ""
    return f"{reverse('admin:audit_change_changelist')}?{urlencode({'kind': kind.value, 'object': entry.pk})}"
