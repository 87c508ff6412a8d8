"""Many entries changed at once, all or nothing: what would be created, changed and deleted is planned, then done."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils import timezone

from audit.storable import storable
from rules.compiled import Matcher
from rules.covering import Covering
from rules.event import host_key, hostname_of
from rules.matching import RuleSet
from rules.models import DevelopmentHost, DeviceTeam, Rule

MOST = 10_000
_BATCH = 500


class BulkError(ValueError):
    """What is wrong with which entry: pointers and sentences."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{pointer}: {detail}" for pointer, detail in errors))
        self.errors = errors


class ChangedMeanwhileError(ValueError):
    """The rule set is not the one that the change was planned for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry that is created, changed or deleted; `fields` are the values before and after."""

    action: str
    row: Any
    name: str
    fields: dict[str, tuple[Any, Any]]
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was, or would be, done."""

    steps: list[Step]
    unchanged: int
    warnings: list[tuple[str, str]]
    rule_set_version: int

    def count(self, action: str) -> int:
        return sum(step.action == action for step in self.steps)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. With `others_go` all that is not among the entries is deleted."""

    entries: Sequence[Any]
    delete: Sequence[Any] = ()
    others_go: bool = False
    dry_run: bool = False
    rule_set_version: int | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    model: Any
    key: str
    fields: tuple[str, ...]


_RULE_FIELDS = (
    *("name", "description", "notes", "match_type", "match_string", "trap_oid", "syslog_severity", "priority"),
    *("prod_handling", "dev_handling", "team_assignment", "is_active", "examples"),
)
_KINDS: dict[type[models.Model], _Kind] = {
    Rule: _Kind(Rule, "name", _RULE_FIELDS),
    DevelopmentHost: _Kind(DevelopmentHost, "hostname", ("hostname", "description")),
    DeviceTeam: _Kind(DeviceTeam, "hostname", ("hostname", "team")),
}


def change_many(model: type[models.Model], wanted: Wanted) -> Done:
    """Plan, and unless it is a dry run do, all of it. Raises BulkError, ChangedMeanwhileError."""
    kind = _KINDS[model]
    with transaction.atomic():
        version = _lock_version()
        if wanted.rule_set_version not in {None, version}:
            raise ChangedMeanwhileError(
                f"The rule set is at version {version} now, not {wanted.rule_set_version}: look at the plan again."
            )
        existing = {row.pk: row for row in kind.model.objects.all()}
        before = {pk: _values(kind, row) for pk, row in existing.items()}
        steps, unchanged = _planned(kind, wanted, existing, before)
        warnings = _warnings(steps, existing, len(wanted.entries)) if model is Rule else []
        if not wanted.dry_run:
            _do(kind, steps)
        return Done(steps, unchanged, warnings, _version())


def _lock_version() -> int:
    """The version, which nobody else changes before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM rules_rulesetversion WHERE id = 1 FOR UPDATE")
        return int(cursor.fetchone()[0])


def _version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM rules_rulesetversion WHERE id = 1")
        return int(cursor.fetchone()[0])


def _values(kind: _Kind, row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in kind.fields}


def _planned(
    kind: _Kind, wanted: Wanted, existing: dict[Any, Any], before: dict[Any, dict[str, Any]]
) -> tuple[list[Step], int]:
    found = _Found(kind, existing)
    errors: list[tuple[str, str]] = []
    steps: list[Step] = []
    seen: dict[Any, int] = {}
    for number, entry in enumerate(wanted.entries):
        try:
            row = _row_for(kind, entry, found)
        except ValidationError as error:
            errors += [(f"/entries/{number}{pointer}", detail) for pointer, detail in _pointed(error)]
            continue
        key = row.pk or ("new", _key(kind, row))
        if key in seen:
            same = f"It is the same as entry {seen[key] + 1}: leave out one of them."
            errors.append((f"/entries/{number}/{kind.key}", same))
            continue
        seen[key] = number
        old = before.get(row.pk, {})
        changed = {name: (old.get(name), value) for name, value in _values(kind, row).items() if old.get(name) != value}
        if row.pk is None or changed:
            steps.append(Step("update" if row.pk else "create", row, str(getattr(row, kind.key)), changed, number))
    kept = {key for key in seen if key in existing}
    gone = _deleted(kind, wanted, found, kept, errors)
    if errors:
        raise BulkError(errors)
    steps += [
        Step(
            "delete", row, str(getattr(row, kind.key)), {name: (value, None) for name, value in before[row.pk].items()}
        )
        for row in gone
    ]
    return steps, len(seen) - sum(step.action != "delete" for step in steps)


class _Found:
    """The entries that are there, by id and by what names them."""

    def __init__(self, kind: _Kind, existing: Mapping[Any, Any]) -> None:
        self.by_id = existing
        named = [(_key(kind, row), row) for row in existing.values()]
        self.times = Counter(key for key, _ in named)
        self.by_key = dict(named)


def _key(kind: _Kind, row: Any) -> str:
    name = str(getattr(row, kind.key))
    return name if kind.model is Rule else host_key(name)


def _row_for(kind: _Kind, entry: Any, found: _Found) -> Any:
    """The row that an entry is about, with the entry's values. Raises ValidationError."""
    if not isinstance(entry, dict):
        raise ValidationError("An object is wanted here.")
    unknown = entry.keys() - {*kind.fields, "id"} - {"created_at", "updated_at", "warnings"}
    if unknown:
        no_such = f"There is no such field. The fields are {', '.join(kind.fields)}."
        raise ValidationError(dict.fromkeys(sorted(unknown), no_such))
    row = _known(kind, entry, found) or kind.model()
    given = {name: entry[name] for name in kind.fields if name in entry}
    types = {field.name: field for field in kind.model._meta.concrete_fields}  # noqa: SLF001 - Django's documented Model._meta API
    wrong = {name: said for name, value in given.items() if (said := _wrong_type(types[name], value))}
    if wrong:
        raise ValidationError(wrong)
    for name, value in given.items():
        setattr(row, name, value)
    if kind.model is Rule:
        row.clean_fields(exclude=("created_at", "updated_at"))
        row.clean()
    else:
        row.clean_fields()
        row.hostname = hostname_of(row.hostname)
    return row


def _known(kind: _Kind, entry: Mapping[str, Any], found: _Found) -> Any:
    identifier = entry.get("id")
    if identifier is not None:
        if isinstance(identifier, bool) or identifier not in found.by_id:
            raise ValidationError({"id": f"There is no entry with the id {identifier}: leave the id out to add one."})
        return found.by_id[identifier]
    name = entry.get(kind.key)
    if not isinstance(name, str):
        return None
    key = name.strip() if kind.model is Rule else host_key(name)
    if found.times[key] > 1:
        raise ValidationError({kind.key: f"{found.times[key]} entries are called “{key}”: say which by its id."})
    return found.by_key.get(key)


def _wrong_type(field: Any, value: Any) -> str:
    wanted: dict[type, tuple[type, str]] = {
        models.BooleanField: (bool, "true or false"),
        models.PositiveSmallIntegerField: (int, "a whole number"),
        models.JSONField: (dict, "an object"),
    }
    wanted_type, words = wanted.get(type(field), (str, "a text; put it in quotes"))
    if value is None and field.null:
        return ""
    if isinstance(value, str) and storable(value) != value:
        return "It holds NUL or half of a surrogate pair, which no text may have."
    if isinstance(value, wanted_type) and not (wanted_type is int and isinstance(value, bool)):
        return ""
    return f"{value!r} is not {words}."


def _pointed(error: ValidationError) -> Iterator[tuple[str, str]]:
    if hasattr(error, "error_dict"):
        for name, messages in error.message_dict.items():
            yield f"/{name}" if name != "__all__" else "", " ".join(messages)
    else:
        yield "", " ".join(error.messages)


def _deleted(kind: _Kind, wanted: Wanted, found: _Found, kept: set[Any], errors: list[tuple[str, str]]) -> list[Any]:
    if wanted.others_go:
        return [row for pk, row in found.by_id.items() if pk not in kept]
    gone = []
    for number, named in enumerate(wanted.delete):
        if kind.model is Rule:
            row = found.by_id.get(named) if isinstance(named, int) and not isinstance(named, bool) else None
        else:
            row = found.by_key.get(host_key(named)) if isinstance(named, str) else None
        if row is None:
            errors.append((f"/delete/{number}", f"There is no {named!r}."))
        elif row.pk in kept:
            errors.append((f"/delete/{number}", f"{named!r} is among the entries, too."))
        else:
            gone.append(row)
    return list({row.pk: row for row in gone}.values())


def _warnings(steps: Iterable[Step], existing: Mapping[Any, Rule], entries: int) -> list[tuple[str, str]]:
    """Which of the created and changed rules could never win among all that there will be."""
    numbered = {id(step.row): step.entry for step in steps}
    gone = {step.row.pk for step in steps if step.action == "delete"}
    created = [step.row for step in steps if step.action == "create"]
    rows = [row for pk, row in existing.items() if pk not in gone] + created
    highest = max(existing, default=0)
    matched = []
    for place, row in enumerate(rows):
        with suppress(ValueError):  # a rule that came into the table past all checks takes no part
            if row.is_active:
                matched.append((row, replace(row.as_matched(), id=row.pk or highest + 1 + place)))
    covering = Covering(Matcher(RuleSet(0, tuple(rule for _, rule in matched))))
    found = []
    for row, rule in matched:
        number = numbered.get(id(row))
        coverer = covering.coverer_of(rule) if number is not None and number < entries else None
        if coverer:
            found.append((f"/entries/{number}", can_never_win(coverer.name, coverer.priority)))
    return found


def can_never_win(name: str, priority: int) -> str:
    """What is said of a rule whose events another takes all of."""
    return (
        f"It can never win: “{name}” (priority {priority}) comes first and takes every event that it would match."
        " Give this one a lower priority number, or narrow that one."
    )


def _do(kind: _Kind, steps: Sequence[Step]) -> None:
    by_action = {
        action: [step.row for step in steps if step.action == action] for action in ("delete", "update", "create")
    }
    if by_action["delete"]:
        kind.model.objects.filter(pk__in=[row.pk for row in by_action["delete"]]).delete()
    if by_action["update"]:
        names = sorted({name for step in steps if step.action == "update" for name in step.fields})
        if kind.model is Rule:
            now = timezone.now()
            for row in by_action["update"]:
                row.updated_at = now
            names.append("updated_at")
        kind.model.objects.bulk_update(by_action["update"], names, batch_size=_BATCH)
    kind.model.objects.bulk_create(by_action["create"], batch_size=_BATCH)
