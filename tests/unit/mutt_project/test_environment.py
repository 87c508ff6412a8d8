"""Settings from the environment: read rightly, or refused with the variable's name and the mend."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from mutt_project.settings import environment
from mutt_project.settings.environment import (
    below,
    boolean,
    comma_separated,
    one_of,
    optional,
    positive,
    required,
    zero_or_more,
)

NAME = "MUTT_FOR_A_TEST"


@pytest.fixture(autouse=True)
def nothing_read_before(monkeypatch):
    """What is read here is none of MUTT's variables."""
    monkeypatch.setattr(environment, "READ", {})


def test_a_required_variable_is_read(monkeypatch):
    monkeypatch.setenv(NAME, "a value")
    assert required(NAME) == "a value"


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_variable_that_is_missing_or_empty_is_named(monkeypatch, value):
    monkeypatch.delenv(NAME, raising=False)
    if value is not None:
        monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is not set. See docs/settings.md"):
        required(NAME)


@pytest.mark.parametrize("value", [None, ""])
def test_an_optional_variable_that_is_missing_or_empty_has_its_default(monkeypatch, value):
    monkeypatch.delenv(NAME, raising=False)
    if value is not None:
        monkeypatch.setenv(NAME, value)
    assert optional(NAME, 7, int) == 7


def test_an_optional_variable_is_read_by_its_reader(monkeypatch):
    monkeypatch.setenv(NAME, "12")
    assert optional(NAME, 7, int) == 12


@pytest.mark.parametrize(
    ("value", "read", "why"),
    [
        ("seven", int, "seven"),
        ("maybe", boolean, "“maybe” is neither true nor false"),
        ("0", positive, "“0” is no number above 0"),
        ("nan", positive, "“nan” is no number above 0"),
        ("inf", positive, "“inf” is no number above 0"),
        ("-1", zero_or_more, "“-1” is no number from 0 upwards"),
        ("inf", zero_or_more, "“inf” is no number from 0 upwards"),
        ("purple", one_of("red", "green"), "“purple” is none of red, green"),
    ],
)
def test_an_optional_variable_that_cannot_be_read_is_named_with_the_reason(monkeypatch, value, read, why):
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} cannot be used: .*{why}"):
        optional(NAME, None, read)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", True),
        ("true", True),
        ("YES", True),
        (" on ", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("off", False),
    ],
)
def test_a_boolean_has_many_spellings(text, value):
    assert boolean(text) is value


@pytest.mark.parametrize("text", ["2", "truth", "-", "nay"])
def test_what_is_neither_true_nor_false_is_refused(text):
    with pytest.raises(ValueError, match="neither true nor false"):
        boolean(text)


def test_a_list_is_split_at_commas_without_blanks_and_empty_parts():
    assert comma_separated(" a.example , b.example,,") == ["a.example", "b.example"]
    assert comma_separated(" , ") == []


@pytest.mark.parametrize("text", ["0", "-1", "-0.5", "-inf", "x"])
def test_a_duration_that_is_not_a_number_above_zero_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - float's own message among them
        positive(text)


@settings(deadline=None)
@given(st.floats(min_value=1e-9, max_value=1e9))
def test_any_number_above_zero_is_a_duration(number):
    assert positive(str(number)) == number


def test_words_are_taken_as_they_are_spelt():
    read = one_of("cloud", "onprem")
    assert read("onprem") == "onprem"
    with pytest.raises(ValueError, match="none of cloud, onprem"):
        read("Cloud")


def test_a_low_mark_that_is_not_below_its_high_one_is_refused():
    below("MUTT_SOME_LOW", 1, "MUTT_SOME_HIGH", 2)
    for low in (2, 3):
        with pytest.raises(ImproperlyConfigured, match=f"MUTT_SOME_LOW is {low} and must be below MUTT_SOME_HIGH"):
            below("MUTT_SOME_LOW", low, "MUTT_SOME_HIGH", 2)
