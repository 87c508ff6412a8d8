"""The breaker as JSON."""

from typing import Any

from rest_framework import serializers

from forwarder.breaker import State, Wish
from forwarder.looking import Delivering

LONGEST_FORCE_S = 7 * 24 * 60 * 60


class BreakerTransitionSerializer(serializers.Serializer[Any]):
    """One change of state."""

    at = serializers.DateTimeField()
    was = serializers.CharField()
    became = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField(help_text="Who wanted it; empty where nobody but MUTT had a hand in it.")


class ForcedSerializer(serializers.Serializer[Any]):
    """A state that somebody wanted, whatever the failures say."""

    state = serializers.ChoiceField(choices=[Wish.OPEN.value, Wish.CLOSED.value])
    until = serializers.DateTimeField()
    reason = serializers.CharField()
    by = serializers.CharField()


class PausedSerializer(serializers.Serializer[Any]):
    """Moogsoft refuses a key: nothing is sent with it."""

    since = serializers.DateTimeField()
    reason = serializers.CharField()
    for_this_key = serializers.BooleanField(help_text="False once MUTT runs with another key, which is used at once.")


class RateLimitSerializer(serializers.Serializer[Any]):
    """How much of the shared rate limit is used."""

    requests = serializers.IntegerField(help_text="At most so many within the window.")
    window_s = serializers.FloatField()
    used = serializers.IntegerField()
    held_until = serializers.DateTimeField(allow_null=True, help_text="Moogsoft asked for a pause (429) until then.")


class BreakerSerializer(serializers.Serializer[Any]):
    """Whether Moogsoft may be asked, and what waits for it."""

    state = serializers.ChoiceField(choices=[state.value for state in State])
    since = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(help_text="Of the last change of state.")
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="When an open breaker lets one request through.")
    failures = serializers.IntegerField(help_text="Within the window.")
    failures_to_open = serializers.IntegerField()
    window_s = serializers.FloatField()
    open_s = serializers.FloatField()
    last_success_at = serializers.DateTimeField(allow_null=True)
    forced = ForcedSerializer(allow_null=True)
    paused = PausedSerializer(allow_null=True)
    rate_limit = RateLimitSerializer()
    parked_batches = serializers.IntegerField(help_text="They wait until Moogsoft may be asked again.")
    waiting_for_order = serializers.IntegerField(help_text="Batches that wait for an earlier alert of the same key.")
    transitions = BreakerTransitionSerializer(many=True)


class WishSerializer(serializers.Serializer[Any]):
    """What the breaker shall be."""

    state = serializers.ChoiceField(
        choices=[wish.value for wish in Wish],
        help_text="`automatic`: as the failures say again; an open one is tried at once.",
    )
    reason = serializers.CharField(max_length=500)
    for_s = serializers.FloatField(
        min_value=1,
        max_value=LONGEST_FORCE_S,
        default=3600,
        help_text="Seconds after which it is automatic again; at most a week.",
    )


class ResumeSerializer(serializers.Serializer[Any]):
    """Why a paused destination may be asked again."""

    reason = serializers.CharField(max_length=500)


def as_json(now: Delivering) -> dict[str, Any]:
    """The fields of BreakerSerializer."""
    breaker, limits = now.breaker, now.thresholds
    fields = {
        "state": breaker.state.value,
        "since": breaker.since,
        "reason": breaker.reason,
        "next_try_at": breaker.next_try_at,
        "failures": breaker.failures,
        "failures_to_open": limits.failures,
        "window_s": limits.window_s,
        "open_s": limits.open_s,
        "last_success_at": breaker.last_success_at,
        "forced": breaker.forced,
        "paused": breaker.paused,
        "rate_limit": now.rate,
        "parked_batches": now.parked,
        "waiting_for_order": now.in_line,
        "transitions": breaker.transitions,
    }
    return dict(BreakerSerializer(fields).data)
