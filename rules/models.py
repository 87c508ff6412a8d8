"""Rules, development hosts and device teams as people edit them.

A statement-level trigger (first migration) raises the version of the rule set in the same transaction as any
change to these tables, whoever makes it.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from rules.event import Handling, Severity, hostname_of, oid_of
from rules.matching import DEFAULT_TEAM, MatchType
from rules.regex import BadRegexError, compile_regex

MAX_PATTERN_LENGTH = 1000
MAX_HOSTNAME_LENGTH = 255


def _choices(words: Any) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


class Rule(models.Model):
    """What an event means: all conditions that are set must hold; the lowest priority number wins."""

    name = models.CharField(max_length=200, help_text="Shown in alerts; Moogsoft's `check`.")
    description = models.TextField(blank=True, default="")
    match_type = models.CharField(max_length=20, choices=_choices(MatchType), default=MatchType.CONTAINS.value)
    match_string = models.CharField(  # noqa: DJ001 - the seed and the API say null for "no condition"
        max_length=MAX_PATTERN_LENGTH,
        null=True,
        blank=True,
        help_text="Text to find in the message: any case (contains), or an RE2 expression (regex).",
    )
    trap_oid = models.CharField(  # noqa: DJ001 - the seed and the API say null for "no condition"
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
    team_assignment = models.CharField(max_length=100, default=DEFAULT_TEAM)
    is_active = models.BooleanField(default=True)
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
        if errors:
            raise ValidationError(errors)

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
