"""Rules, development hosts and teams as MUTT's API keeps them, in memory; part of the stub API."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]
RULE_DEFAULTS: Entry = {
    "description": "",
    "notes": "",
    "match_type": "contains",
    "match_string": None,
    "trap_oid": None,
    "syslog_severity": None,
    "priority": 100,
    "prod_handling": None,
    "dev_handling": None,
    "team_assignment": "NETO",
    "is_active": True,
    "examples": {"match": [], "no_match": []},
}
TIMES = {"created_at": "2026-11-23T08:00:00Z", "updated_at": "2026-11-23T09:00:00Z"}


def rule(number: int, **fields: Any) -> Entry:
    """A whole rule, as the API answers it."""
    conditions = {"match_string": "down", "prod_handling": "Page_only", "dev_handling": "Ignore"}
    named = {"id": number, "name": f"rule-{number}"}
    return {**named, **RULE_DEFAULTS, **conditions, "warnings": [], **TIMES, **fields}


def no_faults(entry: Entry) -> dict[str, str]:
    """What a rule may hold that only MUTT can tell: here, an OID that begins wrongly and examples that fail."""
    faults = {}
    if str(entry.get("trap_oid") or "1").startswith("9"):
        faults["trap_oid"] = "Not an OID: numbers joined by dots, the first 0, 1 or 2."
    if (entry.get("examples") or {}).get("match") == ["fails"]:
        faults["examples"] = "/match/0: It must match “fails”, and does not."
    return faults


@dataclass
class StubList:
    """One list and its bulk changes, all or nothing."""

    key: str
    defaults: Entry = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    faults_of: Callable[[Entry], dict[str, str]] = no_faults
    warnings: list[Entry] = field(default_factory=list)
    version: int = 7

    def create(self, entry: Entry) -> Entry:
        number = max((int(one["id"]) for one in self.entries), default=0) + 1
        made = {"id": number, **({"name": "made of the conditions"} if self.key == "name" else {})}
        made |= {**self.defaults, **{name: value for name, value in entry.items() if name != "id"}}
        self.entries.append(made)
        return made

    def found(self, number: object) -> Entry | None:
        return next((one for one in self.entries if str(one["id"]) == str(number)), None)

    def bulk(self, body: Entry) -> tuple[int, Entry]:
        """Status and content of the answer."""
        if body.get("rule_set_version") not in {None, self.version}:
            return 409, {"detail": f"The rule set is at version {self.version} now."}
        errors, wanted = [], []
        for place, entry in enumerate(body["entries"]):
            faults = self.faults_of(entry)
            errors += [{"pointer": f"/entries/{place}/{name}", "detail": said} for name, said in faults.items()]
            wanted.append((entry, self._known(entry)))
        gone, missing = self._gone(body, [known for _, known in wanted if known])
        errors += missing
        if errors:
            return 400, {"detail": "not valid", "errors": errors}
        changes = [change for entry, known in wanted if (change := self._change(entry, known))]
        changes += [self._told("delete", one, {name: [value, None] for name, value in one.items()}) for one in gone]
        if not body.get("dry_run"):
            self._do(wanted, gone)
            self.version += bool(changes)
        return 200, self._done(body, changes)

    def _known(self, entry: Entry) -> Entry | None:
        if entry.get("id") is not None:
            return self.found(entry["id"])
        name = str(entry[self.key]).casefold()
        return next((one for one in self.entries if str(one[self.key]).casefold() == name), None)

    def _gone(self, body: Entry, kept: list[Entry]) -> tuple[list[Entry], list[Entry]]:
        if body.get("others") == "delete":
            return [one for one in self.entries if one not in kept], []
        gone, missing = [], []
        for place, named in enumerate(body.get("delete") or []):
            one = self._known({self.key: named})
            if one is None:
                missing.append({"pointer": f"/delete/{place}", "detail": f"There is no {named!r}."})
            else:
                gone.append(one)
        return gone, missing

    def _change(self, entry: Entry, known: Entry | None) -> Entry | None:
        if known is None:
            fields = {**self.defaults, **entry}
            return self._told("create", {"id": None, **entry}, {name: [None, new] for name, new in fields.items()})
        fields = {name: [known.get(name), new] for name, new in entry.items() if known.get(name) != new}
        return self._told("update", known, fields) if fields else None

    def _told(self, action: str, entry: Entry, fields: Entry) -> Entry:
        return {"action": action, "id": entry["id"], "name": entry[self.key], "fields": fields}

    def _do(self, wanted: list[tuple[Entry, Entry | None]], gone: list[Entry]) -> None:
        self.entries = [one for one in self.entries if one not in gone]
        for entry, known in wanted:
            if known is None:
                self.create(entry)
            else:
                known.update(entry)

    def _done(self, body: Entry, changes: list[Entry]) -> Entry:
        counts = [sum(change["action"] == action for change in changes) for action in ("create", "update", "delete")]
        unchanged = len(body["entries"]) - counts[0] - counts[1]
        names = ("created", "updated", "deleted")
        done = {"dry_run": bool(body.get("dry_run")), **dict(zip(names, counts, strict=True)), "unchanged": unchanged}
        done |= {"changes": changes, "warnings": self.warnings, "rule_set_version": self.version}
        return dict(json.loads(json.dumps(done)))
