"""Settings that are dangerous, clocks that differ, rules that decide nothing."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.conf import settings

from audit.journal import LONGEST_DELAY_S
from mutt_project.status.check import Check, failed, ok, warning
from mutt_project.status.encryption import readable_stores
from rules.ruleset import RulesLook

MOST_SKEW_S = 2.0
_HERE = {"127.0.0.1", "localhost", "[::1]", "::1"}
_MOST_NAMED = 5


def setting_checks() -> Iterable[Check]:
    """One check of each setting that should not stay so; a single good one where there is none."""
    found = list(_dangers())
    yield from found or [ok("settings", "No setting is dangerous.")]


def _dangers() -> Iterable[Check]:
    if settings.DEBUG:
        yield warning("setting_debug", "DEBUG is on: errors show the insides of MUTT.", "Set DEBUG to False.")
    if not settings.SESSION_COOKIE_SECURE and set(settings.ALLOWED_HOSTS) - _HERE:
        text = "MUTT_TLS is off, though MUTT answers to names beyond this machine: keys and passwords can be read."
        yield warning("setting_tls", text, "Put MUTT behind TLS, and set MUTT_TLS to true.")
    moogsoft = urlsplit(settings.MOOGSOFT_URL)
    if moogsoft.scheme != "https" and moogsoft.hostname not in _HERE:
        text = "MOOGSOFT_URL is no https address: the key can be read on its way."
        yield warning("setting_moogsoft_url", text, "Use Moogsoft's https address.")
    yield from readable_stores(settings.REDIS_URL, {**settings.DATABASES["default"]})
    visibility_s = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    least_s = max(2 * LONGEST_DELAY_S, settings.MUTT_LEASE_S)
    if visibility_s < least_s:
        text = f"MUTT_VISIBILITY_TIMEOUT_S is {visibility_s}: tasks that still run are given to a second worker."
        yield warning("setting_visibility_timeout", text, f"Make it {least_s:g} or more, in all processes.")


def clocks(skews_s: Mapping[str, float]) -> Iterable[Check]:
    """Whether the clocks of the stores go as this machine's does; `skews_s` are theirs less ours."""
    apart = {name: skew for name, skew in skews_s.items() if abs(skew) > MOST_SKEW_S}
    if apart:
        said = " and ".join(f"that of {name} is {abs(skew):.1f} s {_way(skew)}" for name, skew in apart.items())
        yield warning("clocks", f"Clocks differ: {said} this machine's.", "Let all machines keep time by NTP.")
    elif skews_s:
        yield ok("clocks", f"The clocks of {' and '.join(skews_s)} go as this machine's does.")


def _way(skew: float) -> str:
    return "ahead of" if skew > 0 else "behind"


def rule_check(rules: RulesLook) -> Check:
    """Whether all active rules can be matched."""
    if not rules.left_out:
        return ok("rules", f"Rule set {rules.version}: {rules.active:,} active rules.")
    named = [f"{one.rule_id} “{one.name}” ({one.why[:150]})" for one in rules.left_out[:_MOST_NAMED]]
    more = f" and {len(rules.left_out) - _MOST_NAMED} more" if len(rules.left_out) > _MOST_NAMED else ""
    text = f"Rules that cannot be matched decide nothing: {', '.join(named)}{more}."
    return failed("rules", text, "Mend their expressions, or switch them off.")
