"""Files of rules: what is written is read again exactly, and what is wrong is said with its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_project.muttctl.located import FaultyFileError, Located, in_order
from mutt_project.muttctl.rule_fields import DEFAULTS, HANDLINGS, MATCH_TYPES, SEVERITIES
from mutt_project.muttctl.rule_files import HEAD, read_draft, read_rules, write_rules
from tests.unit.mutt_project.muttctl.stub_lists import rule

GOOD = "prod_handling: Ignore, dev_handling: Ignore"
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text("ab \n\t:#-'\"\\|>%&*!?{}[],@`=<~.0123\r\x00\x85\u2028\ufeff\U0001f600é", max_size=12),
    st.sampled_from(
        [
            *(
                "yes",
                "No",
                "on",
                "null",
                "~",
                "true",
                "1.3",
                "007",
                "0x1F",
                "1e3",
                ".inf",
                ".nan",
                "2026-11-23",
                "12:30",
            ),
            *("<<", "=", "- a", "a: b", "a #b", " a", "a ", "\n", "a\n", "a\n\nb\n", "\na", "a\n b", " a\nb", "a \nb"),
            *(
                "a\n\n",
                "---",
                "---\na",
                "...\n",
                "# a\nb",
                "'",
                '"',
                "a\tb",
                "\ta\nb",
                "a\r\nb",
                "!!str x",
                "*a",
                "&a b",
            ),
        ]
    ),
)
NAMES = TEXTS.filter(str.strip)
EXAMPLES = TEXTS | st.dictionaries(st.sampled_from(["message", "hostname", "trap_oid"]), TEXTS, min_size=1)


@st.composite
def any_rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        rule(
            number,
            name=draw(NAMES),
            description=draw(TEXTS),
            notes=draw(TEXTS),
            match_type=draw(st.sampled_from(MATCH_TYPES)),
            match_string=draw(st.none() | TEXTS.filter(bool)),
            trap_oid=draw(st.none() | st.sampled_from(["1", "1.3", "2.5.4"])),
            syslog_severity=draw(st.none() | st.sampled_from(SEVERITIES)),
            priority=draw(st.integers(1, 3)),
            prod_handling=draw(st.sampled_from(HANDLINGS)),
            dev_handling=draw(st.sampled_from(HANDLINGS)),
            team_assignment=draw(TEXTS.filter(bool)),
            is_active=draw(st.booleans()),
            examples={"match": draw(st.lists(EXAMPLES, max_size=2)), "no_match": draw(st.lists(EXAMPLES, max_size=2))},
        )
        for number in range(draw(st.integers(0, 3)))
    ]


def read(text: str | bytes) -> Located:
    return read_rules(text.encode() if isinstance(text, str) else text, "rules.yaml")


def said_of(text: str | bytes) -> list[str]:
    """What is wrong with a file."""
    try:
        found = read(text)
    except FaultyFileError as error:
        return str(error).splitlines()
    return [found.told(fault) for fault in in_order(found.faults)]


@given(any_rules())
def test_what_is_written_is_read_again_exactly(rules: list[dict[str, Any]]) -> None:
    found = read(write_rules(rules))
    assert found.faults == []
    expected = sorted(rules, key=lambda one: (one["priority"], one["id"]))
    for one, entry in zip(expected, found.entries, strict=True):
        examples = {kind: listed for kind, listed in one["examples"].items() if listed}
        wanted = {name: one[name] for name in ("name", *DEFAULTS, "prod_handling", "dev_handling")}
        assert {**entry, "examples": {"match": [], "no_match": [], **entry["examples"]}, "id": 0} == {**wanted, "id": 0}
        assert entry["examples"] in (examples, one["examples"])
        others = [other["name"].strip() for other in rules if other is not one]
        if one["name"].strip() in others:
            assert entry["id"] == one["id"]
        elif one["name"].strip() == one["name"]:
            assert "id" not in entry


def test_the_form_of_a_file() -> None:
    rules = [
        rule(3, name="Link down", notes="Agreed on:\n\n- by us\n", match_type="regex", match_string=r"LINK-\d 'x'"),
        rule(9, name="twin", priority=5, match_string=None, trap_oid="1.3", team_assignment="CORE", is_active=False),
        rule(2, name="twin", priority=5, examples={"match": ["down", {"message": "no", "syslog_severity": 3}]}),
    ]
    assert (
        write_rules(rules)
        == f"""{HEAD}rules:
- name: twin
  id: 2
  priority: 5
  match_string: down
  prod_handling: Page_only
  dev_handling: Ignore
  examples:
    match:
      - down
      - message: 'no'
        syslog_severity: 3

- name: twin
  id: 9
  priority: 5
  trap_oid: '1.3'
  prod_handling: Page_only
  dev_handling: Ignore
  team_assignment: CORE
  is_active: false

- name: Link down
  notes: |
    Agreed on:

    - by us
  priority: 100
  match_type: regex
  match_string: 'LINK-\\d ''x'''
  prod_handling: Page_only
  dev_handling: Ignore
"""
    )


def test_a_file_of_no_rules() -> None:
    assert write_rules([]) == f"{HEAD}rules: []\n"
    assert read(write_rules([])).entries == []


def test_fields_left_out_and_empty_ones_have_their_defaults() -> None:
    (entry,) = read(f"rules: [{{name: a, notes: , priority: null, {GOOD}}}]").entries
    assert entry == {**DEFAULTS, "name": "a", "prod_handling": "Ignore", "dev_handling": "Ignore"}


def test_a_windows_file_with_a_bom_and_yaml_of_people() -> None:
    text = f"\ufeffrules:\r\n  - {{name: yes, {GOOD}}}\r\n  - name: 2026-11-23\r\n    prod_handling: Ignore\r\n"
    text += "    dev_handling: Ignore\r\n    match_string: >\r\n      folded\r\n      text\r\n"
    assert [(one["name"], one["match_string"]) for one in read(text).entries] == [
        ("yes", None),
        ("2026-11-23", "folded text\n"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "The file is empty"),
        ("# nothing\n", None, "The file is empty"),
        ("rules:\n", 1, 'write "rules: []"'),
        ("rules: 7\n", 1, "A list of rules is wanted"),
        ("- name: a\n", 1, 'begin with "rules:"'),
        ("down\n", 1, 'begin with "rules:"'),
        ("rules: []\nversion: 1\n", 2, "“version” has no meaning here"),
        ("rules: []\nrules: []\n", 2, "“rules” stands in line 1 already"),
        ("rules:\n- name: a\n\tpriority: 1\n", 3, "A tab stands here"),
        ("rules:\n- name: a: b\n", 2, "A colon stands where none may be"),
        ("rules:\n- name: @a\n", 2, "must stand in quotes"),
        ("rules:\n- name: *a\n", 2, "must stand in quotes"),
        ("rules:\n- name: 'a\n\n\n", 2, "The quotes that open here are never closed"),
        ('rules:\n- name: "\\d"\n', 2, "write \\\\ for \\"),
        ("rules:\n- [a\n", 3, "no valid YAML"),
        ("rules: []\n---\nrules: []\n", 2, "A second document begins here"),
        (b"rules:\n- name: caf\xe9\n", 2, "not UTF-8"),
        ("rules:\n- name: a\n  notes: \x01\n", 3, "U+0001"),
        ("[" * 5000, None, "nested too deeply"),
    ],
)
def test_files_that_cannot_be_read(text: str | bytes, line: int | None, words: str) -> None:
    (said,) = said_of(text)
    assert said.startswith(f"rules.yaml:{line}: " if line else "rules.yaml: ")
    assert words in said


@pytest.mark.parametrize(
    ("fields", "line", "words"),
    [
        ("trap_oid: 1.3", 4, "“trap_oid” is a text, but 1.3 is read as something else. Write it in quotes: '1.3'."),
        ("match_string: 404", 4, "Write it in quotes: '404'."),
        ("match_string: true", 4, "Write it in quotes: 'true'."),
        ("match_string: 99999999999999999999", 4, "Write it in quotes: '99999999999999999999'."),
        ("match_string: .inf", 4, "must stand in quotes"),
        ("match_string: !secret x", 4, "must stand in quotes"),
        ("match_string: [a-z]", 4, "“match_string” is a text: put it in quotes."),
        ("priority: high", 4, "a whole number"),
        ("priority: 1.5", 4, "a whole number"),
        ("priority: true", 4, "a whole number"),
        ("is_active: yes", 4, "true or false"),
        ("id: seven", 4, "a whole number"),
        ("examples: [a]", 4, '"match" and "no_match"'),
        ("examples: {match: [7]}", 4, "An example is a text, but 7 is read as something else."),
        ("match_type: exact", 4, "none of contains, regex, oid_prefix"),
        ("syslog_severity: Fatal", 4, "none of Emergency"),
        ("prio: 7", 4, "There is no field “prio”. Is “priority” meant?"),
        ("colour: red", 4, "There is no field “colour”. The fields are name,"),
        ("notes: a\n  notes: b", 5, "“notes” stands in line 4 already"),
        ("notes: &a b\n  description: *a", 5, "Aliases"),
        ("? [a]\n  : b", 4, "A field's name is a text"),
    ],
)
def test_fields_that_are_wrong(fields: str, line: int, words: str) -> None:
    text = (
        f"rules:\n- {{name: other, {GOOD}}}\n- name: a\n  {fields}\n  prod_handling: Ignore\n  dev_handling: Ignore\n"
    )
    (said,) = said_of(text)
    assert said.startswith(f"rules.yaml:{line}: ")
    assert words in said
    assert [one["name"] for one in read(text).entries] == ["other"]


def test_rules_that_lack_what_they_must_have() -> None:
    text = f"rules:\n- match_string: a\n- name: ' '\n  {GOOD.replace(', ', chr(10) + '  ')}\n- down\n"
    assert said_of(text) == [
        "rules.yaml:2: “name” is missing: rules are known by their names.",
        "rules.yaml:2: “prod_handling” is missing: one of Page_and_ticket, Page_only, Ticket_only, Ignore.",
        "rules.yaml:2: “dev_handling” is missing: one of Page_and_ticket, Page_only, Ticket_only, Ignore.",
        "rules.yaml:3: “name” is missing: rules are known by their names.",
        "rules.yaml:6: A rule is wanted here, with a name and other fields.",
    ]


def test_rules_of_one_name_need_ids() -> None:
    text = f"rules:\n- {{name: a, {GOOD}}}\n- {{name: ' a', id: 7, {GOOD}}}\n- {{name: b, {GOOD}}}\n"
    (said,) = said_of(text)
    assert said.startswith("rules.yaml:2: “a” is the name of the rule in line 3, too.")
    assert said_of(text.replace("name: a,", "name: a, id: 6,")) == []


def test_faults_of_the_api_are_told_at_their_lines() -> None:
    text = (
        f"rules:\n- {{name: wrong, priority: x, {GOOD}}}\n- name: a\n  prod_handling: Ignore\n  dev_handling: Ignore\n"
    )
    found = read(text + "  examples:\n    match:\n    - down\n")
    for pointer, said in (
        ("/entries/0/name", "3: x"),
        ("/entries/0/examples", "6: x"),
        ("/entries/0/examples/match/0", "8: x"),
        ("/entries/0/priority", "3: priority: x"),
        ("/entries/0", "3: x"),
        ("/entries", " entries: x"),
    ):
        assert found.told(found.fault(pointer, "x")) == f"rules.yaml:{said}"
    same = found.fault("/entries/0/name", "It is the same as entry 1: leave out one of them.")
    assert same.detail == "It is the same as line 3: leave out one of them."


def test_drafts_are_json_or_yaml_and_keep_what_they_leave_out() -> None:
    fields = {"name": "ü", "match_string": "\U0001f600", "trap_oid": None}
    wanted = {"dev_handling": "Ignore", **fields}
    for content in (
        '{"name": "ü",\t"match_string": "\\ud83d\\ude00", "trap_oid": null}',
        "name: ü\nmatch_string: 😀\ntrap_oid:",
    ):
        assert read_draft(content.encode(), "draft").entries == [wanted]
    assert read_draft(b"id: 7\npriority: 5\n", "draft").entries == [{"id": 7, "priority": 5}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "draft: A draft holds the fields of one rule"),
        (b"[]", "draft: A draft holds"),
        (b"link down\n", "draft:1: A draft holds"),
        (b"name: a\ntrap_oid: 1.3\n", "draft:2: “trap_oid” is a text"),
        (b'{"name": "a", "trap_oid": 1.3}', "draft: “trap_oid” is a text, but 1.3 is read as something else."),
        (b'{"nmae": "a"}', "draft: There is no field “nmae”. Is “name” meant?"),
        (b"name: 'a\n", "draft:1: The quotes that open here"),
    ],
)
def test_drafts_that_are_not_taken(content: bytes, said: str) -> None:
    with pytest.raises(FaultyFileError) as caught:
        read_draft(content, "draft")
    assert str(caught.value).startswith(said)
