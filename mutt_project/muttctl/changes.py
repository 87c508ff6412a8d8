"""Many entries at once: ask what would change, show it, and have it done."""

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.text import Text

from mutt_project.muttctl.client import BULK_SECONDS, Client, JsonObject
from mutt_project.muttctl.errors import ApiRefusedError, MuttctlError
from mutt_project.muttctl.located import Fault, FaultyFileError, Located, in_order
from mutt_project.muttctl.output import print_csv, print_json, print_table, printable

MOST = 10_000
BAD_REQUEST = 400
CONFLICT = 409
COLUMNS = ("action", "id", "name", "fields")
ACTIONS = ("created", "updated", "deleted")
_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
_EMPTY: tuple[Any, ...] = (None, "", {"match": [], "no_match": []})


class Bulk:
    """What a file holds, to be compared with, and then written to, one of the lists of MUTT."""

    def __init__(self, client: Client, path: str, file: Located, *, others_go: bool) -> None:
        self._client = client
        self._path = f"{path}/bulk"
        self._file = file
        self._body = {"entries": file.entries, "others": "delete" if others_go else "keep"}
        if len(file.entries) > MOST:
            raise MuttctlError(f"{file.name} holds {len(file.entries):,} entries; {MOST:,} can be sent at once.")

    def plan(self) -> JsonObject:
        """What would be done. Raises FaultyFileError with all that is wrong with the file."""
        faults = list(self._file.faults)
        answer: JsonObject = {}
        try:
            answer = self._client.post(self._path, {**self._body, "dry_run": True}, patience=BULK_SECONDS)
        except MuttctlError as error:
            errors = error.errors if isinstance(error, ApiRefusedError) and error.status == BAD_REQUEST else ()
            if not errors and not faults:
                raise
            faults += [self._file.fault(pointer, detail) for pointer, detail in errors]
        if faults:
            raise FaultyFileError(self._file, faults)
        return answer

    def do(self, *, reason: str | None, version: object = None) -> JsonObject:
        """Do it, all or nothing; with a version, only if nobody has changed anything since."""
        body = {**self._body, "dry_run": False, "rule_set_version": version}
        try:
            return self._client.post(self._path, body, reason=reason, patience=BULK_SECONDS)
        except ApiRefusedError as refusal:
            if refusal.status == BAD_REQUEST and refusal.errors:
                faults = [self._file.fault(pointer, detail) for pointer, detail in refusal.errors]
                raise FaultyFileError(self._file, faults) from None
            if refusal.status != CONFLICT:
                raise
            message = "Somebody has changed something since the plan was made, so nothing was done. Run it again."
            raise ApiRefusedError(message, refusal.status, refusal.reason) from None

    def tell_warnings(self, answer: JsonObject) -> None:
        for warning in self.warnings(answer):
            click.echo(self._file.told(warning, "warning: "), err=True)

    def warnings(self, answer: JsonObject) -> list[Fault]:
        """What may be wrong all the same, in the order of lines."""
        listed = answer.get("warnings") or []
        return in_order(self._file.fault(str(one.get("pointer")), str(one.get("detail"))) for one in listed)


def would_change(answer: JsonObject) -> bool:
    return any(answer.get(action) for action in ACTIONS)


def counted(answer: JsonObject, *, done: bool) -> str:
    """The counts in a line."""
    words = ACTIONS if done else ("to create", "to update", "to delete")
    counts = [f"{answer.get(action) or 0:,} {word}" for action, word in zip(ACTIONS, words, strict=True)]
    return ", ".join([*counts, f"{answer.get('unchanged') or 0:,} unchanged"])


def print_bulk(answer: JsonObject, form: str, sentence: str) -> None:
    """What was changed: as it was answered, a line a change, or in a sentence."""
    if form == "json":
        print_json(answer)
    elif form == "csv":
        print_csv(answer.get("changes") or [], COLUMNS)
    else:
        click.echo(sentence)


def print_changes(answer: JsonObject, *, err: bool = False) -> None:
    """Each change with a sign and a colour: + created, ~ updated with old and new values, - deleted."""
    for change in answer.get("changes") or []:
        action = str(change.get("action"))
        sign, colour = _SIGNS.get(action, ("?", "red"))
        number = f" (id {change['id']})" if change.get("id") is not None else ""
        lines = [f"{sign} {printable(change.get('name'))}{number}", *_field_lines(action, change.get("fields") or {})]
        print_table(Text("\n".join(lines), style=colour), err=err)


def _field_lines(action: str, fields: JsonObject) -> Iterator[str]:
    for name, (old, new) in fields.items():
        if action == "update":
            yield f"    {name}: {_value(old)} → {_value(new)}"
        elif action == "create" and name not in {"name", "hostname"} and new not in _EMPTY:
            yield f"    {name}: {_value(new)}"


def _value(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))
