"""Rules, development hosts and device teams as people edit them.

A statement-level trigger (first migration) raises the version of the rule set in the same transaction as any
change to these tables, whoever makes it. Other triggers, pghistory's, keep what was changed; `changes.py` reads that.
"""

from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from rules import matching
from rules.backtest_models import Backtest  # noqa: F401 - here is where Django looks for models
from rules.event import Handling, Severity, hostname_of, oid_of
from rules.examples import BadExampleError, failures_of
from rules.matching import DEFAULT_TEAM, MatchType
from rules.regex import BadRegexError, compile_regex

MAX_PATTERN_LENGTH = 1000
MAX_HOSTNAME_LENGTH = 255
UNSAVED = 2**63 - 1  # the id of a rule that has none yet


def _choices(words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


def _no_examples() -> dict[str, list[Any]]:
    return {"match": [], "no_match": []}


def _kept(model_name: str) -> Any:
    """Keep every change of a model in a table of its own, to which rows can only be added."""
    return pghistory.track(
        pghistory.InsertEvent(label="added"),
        pghistory.UpdateEvent(condition=pghistory.AnyChange(exclude_auto=True), label="changed"),
        pghistory.DeleteEvent(label="deleted"),
        model_name=model_name,
        context_field=pghistory.ContextJSONField(),
        append_only=True,
        meta={"ordering": ("-pgh_id",)},
    )


@_kept("RuleChange")
class Rule(models.Model):
    """What an event means: all conditions that are set must hold; the lowest priority number wins."""

    name = models.CharField(
        max_length=200, blank=True, help_text="Shown in alerts, as Moogsoft's check. Empty: made of the conditions."
    )
    description = models.TextField(blank=True, default="", help_text="What it means when this rule wins an event.")
    notes = models.TextField(blank=True, default="", help_text="For colleagues: why it is as it is, whom to ask.")
    match_type = models.CharField(max_length=20, choices=_choices(MatchType), default=MatchType.CONTAINS.value)
    match_string = models.CharField(  # noqa: DJ001 - the seed and the API say null for "no condition"
        max_length=MAX_PATTERN_LENGTH,
        null=True,
        blank=True,
        help_text="Text to find in the message: in any case (contains, oid_prefix), or an expression (regex).",
    )
    trap_oid = models.CharField(  # noqa: DJ001 - the seed and the API say null for "no condition"
        "trap OID",
        max_length=MAX_PATTERN_LENGTH,
        null=True,
        blank=True,
        help_text="The trap's OID or the beginning of it, up to a dot.",
    )
    syslog_severity = models.CharField(  # noqa: DJ001 - the seed and the API say null for "no condition"
        max_length=20,
        null=True,
        blank=True,
        choices=_choices(Severity),
    )
    priority = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="1 to 1000; the lowest number wins.",
    )
    prod_handling = models.CharField(max_length=20, choices=_choices(Handling))
    dev_handling = models.CharField(max_length=20, choices=_choices(Handling))
    team_assignment = models.CharField("team", max_length=100, default=DEFAULT_TEAM)
    is_active = models.BooleanField("active", default=True)
    examples = models.JSONField(
        default=_no_examples,
        blank=True,
        help_text="Messages (or objects with message, syslog_severity, trap_oid) that it must match, or must not.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("priority", "id")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what could never work, with the mend beside the field."""
        self.match_string = self.match_string or None
        self.trap_oid = self.trap_oid or None
        self.syslog_severity = self.syslog_severity or None
        errors: dict[str, str] = {}
        if self.match_type == MatchType.OID_PREFIX and not self.trap_oid:
            errors["trap_oid"] = "An oid_prefix rule needs the OID to compare with, e.g. 1.3.6.1.6.3.1.1.5.3."
        elif self.match_type == MatchType.REGEX and not self.match_string:
            errors["match_string"] = "A regex rule needs an expression, e.g. LINK-\\d-UPDOWN."
        elif not (self.match_string or self.trap_oid or self.syslog_severity):
            errors["match_string"] = "Give a text, an OID or a severity: this rule would match nothing."
        if self.trap_oid and "trap_oid" not in errors:
            self._clean_oid(errors)
        if self.match_type == MatchType.REGEX and self.match_string:
            self._clean_regex(errors)
        self._clean_examples(errors)
        if errors:
            raise ValidationError(errors)
        self.name = self.name.strip() or self.condition()[:200]

    def as_matched(self) -> matching.Rule:
        """The rule as matching wants it; an unsaved one comes after all others of its priority. Raises ValueError."""
        rule = matching.Rule(
            id=self.pk or UNSAVED,
            priority=self.priority,
            match_type=MatchType(self.match_type),
            prod_handling=Handling(self.prod_handling),
            dev_handling=Handling(self.dev_handling),
            name=self.name,
            match_string=self.match_string or None,
            trap_oid=self.trap_oid or None,
            syslog_severity=Severity(self.syslog_severity) if self.syslog_severity else None,
            team=self.team_assignment,
        )
        rule.check()
        return rule

    def condition(self) -> str:
        """The conditions in words."""
        word = "matches" if self.match_type == MatchType.REGEX else "contains"
        parts = (
            f"message {word} “{self.match_string}”" if self.match_string else "",
            f"trap OID from {self.trap_oid}" if self.trap_oid else "",
            f"severity {self.syslog_severity}" if self.syslog_severity else "",
        )
        return ", ".join(part for part in parts if part)

    def _clean_examples(self, errors: dict[str, str]) -> None:
        self.examples = {**_no_examples(), **self.examples} if isinstance(self.examples, dict) else self.examples
        try:
            rule = None if errors else self.as_matched()
        except ValueError:  # a field is wrong, which is said beside it
            rule = None
        try:
            failures = failures_of(rule or _NO_RULE, self.examples)
        except BadExampleError as error:
            errors["examples"] = f"{error.pointer}: {error}" if error.pointer else str(error)
            return
        if rule and failures:
            errors["examples"] = " ".join(f"{failure.pointer}: {failure.reason}." for failure in failures)

    def _clean_oid(self, errors: dict[str, str]) -> None:
        oid = oid_of(self.trap_oid or "")
        if oid is None:
            errors["trap_oid"] = "Not an OID: numbers joined by dots, the first 0, 1 or 2, e.g. 1.3.6.1.4.1.9."
        self.trap_oid = oid

    def _clean_regex(self, errors: dict[str, str]) -> None:
        try:
            compile_regex(self.match_string or "")
        except BadRegexError as error:
            errors["match_string"] = f"This expression cannot be taken: {error}."


_NO_RULE = matching.Rule(UNSAVED, 1, MatchType.CONTAINS, Handling.IGNORE, Handling.IGNORE)


@_kept("DevelopmentHostChange")
class DevelopmentHost(models.Model):
    """A host whose events are handled by the rules' `dev_handling`."""

    hostname = models.CharField(max_length=MAX_HOSTNAME_LENGTH)
    description = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("hostname",)
        constraints = (models.UniqueConstraint(Lower("hostname"), name="development_host_once"),)

    def __str__(self) -> str:
        return self.hostname

    def clean(self) -> None:
        _clean_hostname(self)


@_kept("DeviceTeamChange")
class DeviceTeam(models.Model):
    """The team that a host belongs to; it gets what no rule matched."""

    hostname = models.CharField(max_length=MAX_HOSTNAME_LENGTH)
    team = models.CharField(max_length=100)

    class Meta:
        ordering = ("hostname",)
        constraints = (models.UniqueConstraint(Lower("hostname"), name="device_team_once"),)

    def __str__(self) -> str:
        return f"{self.hostname}: {self.team}"

    def clean(self) -> None:
        _clean_hostname(self)


def _clean_hostname(entry: DevelopmentHost | DeviceTeam) -> None:
    """Bring the name into canonical form, and refuse one that is in the list already, in whatever case."""
    entry.hostname = hostname_of(entry.hostname)
    others = type(entry).objects.filter(hostname__iexact=entry.hostname).exclude(pk=entry.pk)
    if others.exists():
        raise ValidationError({"hostname": f"{entry.hostname} is in this list already: change that entry."})


class RuleSetVersion(models.Model):
    """One row: the version of the rule set, raised by the database itself."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=1)
    changed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.version)


class RuleSetChange(models.Model):
    """The version that a transaction made, by the number that its rows in the history have. Written by the database."""

    number = models.BigIntegerField(primary_key=True)
    version = models.BigIntegerField(db_index=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.number}: {self.version}"


# pghistory makes these models; its types do not say so.
_made: Any = (Rule, DevelopmentHost, DeviceTeam)
RuleChange, DevelopmentHostChange, DeviceTeamChange = (model.pgh_event_model for model in _made)
