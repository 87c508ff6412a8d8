"""Who changed what: one table for all changes, to which the database itself lets rows only be added."""

import orjson
from django.db import models


class Change(models.Model):
    """One change of one thing. The tenth migration makes the table, and what fills and guards it.

    Django does not manage it: `flush`, with which tests tidy up, would want to empty it, and nobody can.
    """

    at = models.DateTimeField()
    who = models.TextField(help_text="A person's user name, “API key NAME”, or a role of the database.")
    via = models.TextField(help_text="admin, API, muttctl, command, MUTT or database")
    address = models.TextField(blank=True, help_text="Of whoever asked for it.")
    correlation_id = models.TextField(blank=True, help_text="Of the request, as in logs.")
    reason = models.TextField(blank=True)
    kind = models.TextField(help_text="Of what was changed: rule, key, breaker …")
    object_id = models.TextField(help_text="Its number or id.")
    name = models.TextField(blank=True, help_text="What it was called then.")
    what = models.TextField(help_text="added, changed, deleted, replayed, logged_in …")
    old = models.JSONField(help_text="The fields that were changed, as they were.")
    new = models.JSONField(help_text="The same, as they are since.")

    class Meta:
        managed = False
        db_table = "audit_change"
        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.who}: {self.kind} “{self.name or self.object_id}” {self.what}"

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """Each changed field with its value before and after, as text."""
        return [(name, _text(self.old.get(name)), _text(self.new.get(name))) for name in sorted({*self.old, *self.new})]

    @property
    def is_of_fields(self) -> bool:
        """Whether it is the fields that tell what was changed: of what was made or deleted, the name does."""
        return self.what not in {"added", "deleted"}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
