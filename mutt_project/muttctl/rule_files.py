"""Files of rules: the YAML that is written and read, without any HTTP."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from mutt_project.muttctl.client import JsonObject
from mutt_project.muttctl.located import Fault, FaultyFileError, Located
from mutt_project.muttctl.rule_fields import CHOICES, DEFAULTS, FIELDS, REQUIRED, TYPES
from mutt_project.muttctl.yaml_reading import Document, NoYamlError, read_yaml
from mutt_project.muttctl.yaml_writing import write_yaml

HEAD = """\
# The rules of MUTT, the strongest first. This file is the whole truth: what is not in it is deleted by
# `muttctl rules apply`. `muttctl rules plan` says what would change.
"""
_ALWAYS = {*REQUIRED, "priority"}
_BEGIN = (
    'It must begin with "rules:", and below that each rule with "- name: …". For no rules at all write "rules: []".'
)


def write_rules(rules: Iterable[Mapping[str, Any]]) -> str:
    """The file: what holds its default is left out, and an id is there only where names do not tell rules apart."""
    ordered = sorted(rules, key=lambda rule: (rule.get("priority"), rule.get("id")))
    times = Counter(_name_of(rule) for rule in ordered)
    parts = []
    for rule in ordered:
        known_by_name = times[_name_of(rule)] == 1 and rule.get("name") == _name_of(rule) != ""
        said = {name: _shown(rule[name]) for name in FIELDS if name in rule and _is_said(name, rule[name])}
        if known_by_name:
            said.pop("id", None)
        parts.append("\n".join(write_yaml([said])))
    if not parts:
        return f"{HEAD}rules: []\n"
    return f"{HEAD}rules:\n" + "\n\n".join(parts) + "\n"


def read_rules(content: bytes, name: str) -> Located:
    """The rules of a file with the defaults filled in; those with `faults` are left out. Raises FaultyFileError."""
    document = _document(content, name)
    listed = _listed(document, name)
    _check_names(listed, document)
    for number, rule in enumerate(listed):
        _check_rule(rule, f"/rules/{number}", document)
    faulty = {int(fault.pointer.split("/")[2]) for fault in document.faults}
    good = [number for number in range(len(listed)) if number not in faulty]
    places = {str(number): place for place, number in enumerate(good)}
    lines = {}
    for pointer, line in document.lines.items():
        rule, *inner = pointer.removeprefix("/rules/").split("/")
        if rule in places:
            lines["/".join([f"/entries/{places[rule]}", *inner])] = line
    return Located(
        name=name,
        entries=[_filled(listed[number]) for number in good],
        lines=lines,
        faults=document.faults,
    )


def read_draft(content: bytes, name: str) -> Located:
    """One rule's fields, in JSON or YAML, as they are given. Raises FaultyFileError."""
    try:
        document = Document(json.loads(content))
    except (ValueError, RecursionError):
        document = _document(content, name)
    draft = document.value
    document.lines.setdefault("", 0)
    if isinstance(draft, dict):
        _check_fields(draft, "", document)
    else:
        document.note("", 'A draft holds the fields of one rule, such as "match_string: link down".')
    if document.faults:
        raise FaultyFileError(Located(name, []), document.faults)
    lines = {f"/draft{pointer}": line for pointer, line in document.lines.items()}
    return Located(name, [draft if "id" in draft else {"dev_handling": "Ignore", **draft}], lines)


def _document(content: bytes, name: str) -> Document:
    try:
        return read_yaml(content)
    except NoYamlError as error:
        raise FaultyFileError(Located(name, []), [error.fault]) from None


def _listed(document: Document, name: str) -> list[Any]:
    root = document.value
    if root is None:
        raise FaultyFileError(Located(name, []), [Fault(0, f"The file is empty. {_BEGIN}")])
    if not isinstance(root, dict) or "rules" not in root:
        raise FaultyFileError(Located(name, []), [Fault(document.lines[""], _BEGIN)])
    found = [Fault(document.lines[f"/{key}"], f"“{key}” has no meaning here.") for key in root if key != "rules"]
    found += [fault for fault in document.faults if not fault.pointer.startswith("/rules/")]
    listed = root["rules"]
    if not isinstance(listed, list):
        wanted = 'A list of rules is wanted here, each with "- name: …". For no rules at all write "rules: []".'
        found.append(Fault(document.lines["/rules"], wanted))
    if found:
        raise FaultyFileError(Located(name, []), found)
    return list(listed)


def _check_names(listed: list[Any], document: Document) -> None:
    """A rule is known by its name: one that shares it with another needs its id."""
    places = defaultdict(list)
    for number, rule in enumerate(listed):
        if isinstance(rule, dict) and _name_of(rule):
            places[_name_of(rule)].append(number)
    for name, numbers in places.items():
        for number in numbers:
            if len(numbers) > 1 and listed[number].get("id") is None:
                other = next(each for each in numbers if each != number)
                line = document.lines[f"/rules/{other}/name"]
                document.note(
                    f"/rules/{number}/name",
                    f"“{name}” is the name of the rule in line {line}, too. Give it another, or its id "
                    "(which `muttctl rules list` shows): rules are known by their names.",
                )


def _check_rule(rule: Any, pointer: str, document: Document) -> None:
    if not isinstance(rule, dict):
        document.note(pointer, "A rule is wanted here, with a name and other fields.")
        return
    _check_fields(rule, pointer, document)
    for name in REQUIRED:
        value = rule.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            why = "rules are known by their names" if name == "name" else f"one of {', '.join(CHOICES[name])}"
            document.note(pointer, f"“{name}” is missing: {why}.")


def _check_fields(rule: Mapping[str, Any], pointer: str, document: Document) -> None:
    for name, value in rule.items():
        place = f"{pointer}/{name}"
        document.lines.setdefault(place, 0)
        if name not in FIELDS:
            close = get_close_matches(name, FIELDS, 1)
            meant = f"Is “{close[0]}” meant?" if close else f"The fields are {', '.join(FIELDS)}."
            document.note(place, f"There is no field “{name}”. {meant}")
        elif value is not None:
            wrong = _wrong_type(name, value, document.texts.get(place)) or _wrong_choice(name, value)
            if wrong:
                document.note(place, wrong)
    examples = rule.get("examples")
    if isinstance(examples, dict):
        _check_examples(examples, f"{pointer}/examples", document)


def _check_examples(examples: Mapping[str, Any], pointer: str, document: Document) -> None:
    """What cannot be an example at all; whether the rule does as it should, MUTT says."""
    for kind, listed in examples.items():
        for number, example in enumerate(listed if isinstance(listed, list) else []):
            place = f"{pointer}/{kind}/{number}"
            document.lines.setdefault(place, 0)
            if not isinstance(example, str | dict):
                document.note(place, _in_quotes("An example", document.texts.get(place, json.dumps(example))))


def _wrong_type(name: str, value: Any, written: str | None) -> str:
    wanted, words = TYPES.get(name, (str, ""))
    if isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return ""
    if words:
        return f"“{name}” is {words}."
    if isinstance(value, list | dict):
        return f"“{name}” is a text: put it in quotes."
    return _in_quotes(f"“{name}”", json.dumps(value) if written is None else written)


def _in_quotes(what: str, written: str) -> str:
    return f"{what} is a text, but {written} is read as something else. Write it in quotes: '{written}'."


def _wrong_choice(name: str, value: Any) -> str:
    choices = CHOICES.get(name, ())
    if not choices or value in choices:
        return ""
    return f"“{value}” is none of {', '.join(choices)}."


def _filled(rule: Mapping[str, Any]) -> JsonObject:
    return {**DEFAULTS, **{name: value for name, value in rule.items() if value is not None}}


def _is_said(name: str, value: Any) -> bool:
    return name in _ALWAYS or not (value is None or value == "" or value == DEFAULTS.get(name))


def _shown(value: Any) -> Any:
    """Of examples only the lists that hold any."""
    return {kind: listed for kind, listed in value.items() if listed} if isinstance(value, dict) else value


def _name_of(rule: Mapping[str, Any]) -> str:
    name = rule.get("name")
    return name.strip() if isinstance(name, str) else ""
