"""The delivery to Moogsoft in admin: one page, to look at and to operate."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from redis.exceptions import RedisError

from audit.uneditable_admin import OnePageAdmin
from forwarder.breaker import Wish
from forwarder.looking import Delivering, delivering
from forwarder.models import Destination
from forwarder.operating import force, resume

_MAY_OPERATE = "forwarder.operate_destination"
RESUME = "resume"


class WishForm(forms.Form):
    """What somebody wants of the breaker, and why."""

    wish = forms.ChoiceField(
        label="What to do",
        choices=[
            ("", "Choose …"),
            (Wish.OPEN.value, "Force it open: send nothing"),
            (Wish.CLOSED.value, "Force it closed: send, whatever fails"),
            (Wish.AUTOMATIC.value, "Leave it to the failures again (an open one is tried at once)"),
            (RESUME, "Resume after Moogsoft refused the key"),
        ],
    )
    minutes = forms.IntegerField(
        label="For so many minutes",
        initial=60,
        min_value=1,
        max_value=7 * 24 * 60,
        help_text="Then it is automatic again; a week (10080) at most. It matters only where something is forced.",
    )
    reason = forms.CharField(label="Why", max_length=500, widget=forms.TextInput(attrs={"size": 60}))


@admin.register(Destination)
class DestinationAdmin(OnePageAdmin[Destination]):
    """There is one destination, so its list is its page."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_operate = request.user.has_perm(_MAY_OPERATE)
        form = WishForm()
        if request.method == "POST":
            if not may_operate:
                raise PermissionDenied
            form = WishForm(request.POST)
            if form.is_valid() and self._do(request, form.cleaned_data):
                return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": "Delivery to Moogsoft",
            "opts": Destination._meta,  # noqa: SLF001 - Django's documented Model._meta API
            "form": form if may_operate else None,
            **_shown(),
        }
        return TemplateResponse(request, "forwarder/destination.html", context)

    def _do(self, request: HttpRequest, wanted: dict[str, Any]) -> bool:
        """Do it, and say so; False where Redis is away."""
        by, reason = request.user.get_username(), wanted["reason"]
        try:
            if wanted["wish"] != RESUME:
                force(Wish(wanted["wish"]), reason, by, 60.0 * wanted["minutes"])
                messages.success(request, "Done. All workers go by it from now on.")
            elif resume(reason, by):
                messages.success(request, "Resumed: what waited is sent.")
            else:
                messages.warning(request, "It was not paused.")
        except RedisError:
            messages.error(request, "Redis is away: nothing was changed.")
            return False
        return True


def _shown() -> dict[str, Any]:
    try:
        now = delivering()
    except RedisError:
        return {"away": True}
    return {"now": now, "mood": _mood(now), "share_used": round(100 * now.rate.used / now.rate.requests)}


def _mood(now: Delivering) -> str:
    """One word for the whole: what colour the page has."""
    seen = now.breaker
    if seen.paused and seen.paused.for_this_key:
        return "paused"
    if seen.forced:
        return f"forced {seen.forced.state}"
    return seen.state.value.replace("_", "-")
