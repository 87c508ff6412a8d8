"""The present values of secrets: they change while MUTT runs, and the last good ones stand."""

import logging
import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from mutt_project.masking import masked
from mutt_project.secrets.deciding import Checked, secrets_of
from mutt_project.secrets.environment import Environment
from mutt_project.secrets.present import Fixed, Secrets, SourceError

KEY = "a-secret-key-of-more-than-thirty-two-characters"
ENOUGH = {
    "MUTT_SECRET_KEY": KEY,
    "MOOGSOFT_API_KEY": "a-moogsoft-key",
    "DATABASE_URL": "postgresql://mutt:secret-of-the-database@127.0.0.1/mutt",
    "REDIS_URL": "redis://127.0.0.1/0",
}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_secret_comes_from_a_variable_or_from_the_file_that_one_names(tmp_path):
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    given = {**ENOUGH, "MOOGSOFT_API_KEY": "", "MOOGSOFT_API_KEY_FILE": str(file)}
    secrets = secrets_of(given)
    assert secrets["MUTT_SECRET_KEY"] == KEY
    assert secrets["MOOGSOFT_API_KEY"] == "from-a-file"
    assert "REDIS_PASSWORD" not in secrets


def test_all_that_is_missing_or_weak_is_said_at_once():
    with pytest.raises(ImproperlyConfigured) as caught:
        secrets_of({"MUTT_SECRET_KEY": "short", "REDIS_URL": "redis://127.0.0.1/0"})
    text = str(caught.value)
    assert "MUTT_SECRET_KEY is too short: 5 characters, where 32 are the least" in text
    assert "MOOGSOFT_API_KEY is not set" in text
    assert "DATABASE_URL is not set" in text
    assert "REDIS_URL" not in text


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({"MOOGSOFT_API_KEY_FILE": "/nowhere"}, "MOOGSOFT_API_KEY and MOOGSOFT_API_KEY_FILE are both set"),
        ({"REDIS_PASSWORD_FILE": "/nowhere"}, "REDIS_PASSWORD_FILE names /nowhere, which cannot be read: No such file"),
        ({"MOOGSOFT_API_KEY": "", "MOOGSOFT_API_KEY_FILE": "/dev/null"}, "names /dev/null, which is empty"),
    ],
)
def test_a_file_of_no_use_stops_the_start(extra, why):
    with pytest.raises(ImproperlyConfigured, match=why):
        secrets_of({**ENOUGH, **extra})


def test_an_empty_file_of_a_secret_that_need_not_be_is_none():
    assert "REDIS_PASSWORD_NEXT" not in secrets_of({**ENOUGH, "REDIS_PASSWORD_NEXT_FILE": "/dev/null"})


def test_a_changed_file_is_seen_within_a_second_and_listeners_are_told(tmp_path):
    file, clock, told = tmp_path / "key", Clock(), []
    file.write_text("the-first-of-all-keys")
    secrets = Secrets(Environment({"MOOGSOFT_API_KEY_FILE": str(file)}), look_every_s=1, clock=clock)
    secrets.on_change(lambda: told.append(secrets["MOOGSOFT_API_KEY"]))
    file.write_text("a-second-key-that-is-longer")
    assert secrets["MOOGSOFT_API_KEY"] == "the-first-of-all-keys"
    clock.now = 1.1
    assert secrets["MOOGSOFT_API_KEY"] == "a-second-key-that-is-longer"
    assert told == ["a-second-key-that-is-longer"]
    assert masked("the-first-of-all-keys, a-second-key-that-is-longer") == "***, ***"


def test_while_a_file_is_away_the_last_value_stands_and_it_is_said_once(tmp_path, caplog):
    file, clock = tmp_path / "key", Clock()
    file.write_text("the-only-key")
    secrets = Secrets(Environment({"MOOGSOFT_API_KEY_FILE": str(file)}), look_every_s=1, clock=clock)
    file.unlink()
    with caplog.at_level(logging.WARNING):
        for clock.now in (2.0, 4.0, 6.0):
            assert secrets["MOOGSOFT_API_KEY"] == "the-only-key"
        assert "cannot be read: No such file" in secrets.trouble
        file.write_text("the-next-key")
        clock.now = 8.0
        assert secrets["MOOGSOFT_API_KEY"] == "the-next-key"
    assert secrets.trouble == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "WARNING"]
    assert "the-next-key" not in caplog.text


def test_a_new_value_that_is_weak_is_not_used(tmp_path):
    file, clock = tmp_path / "key", Clock()
    file.write_text(KEY)
    given = {**ENOUGH, "MUTT_SECRET_KEY": "", "MUTT_SECRET_KEY_FILE": str(file)}
    secrets = Secrets(Checked(Environment(given)), look_every_s=1, clock=clock)
    file.write_text("changeme")
    for clock.now in (2.0, 4.0):
        assert secrets["MUTT_SECRET_KEY"] == KEY
        assert secrets.trouble.startswith("The secret MUTT_SECRET_KEY is too short")
    file.write_text(f"another-{KEY}")
    clock.now = 6.0
    assert (secrets["MUTT_SECRET_KEY"], secrets.trouble) == (f"another-{KEY}", "")


def test_a_child_that_is_forked_amid_a_look_looks_all_the_same():
    class Changing(Fixed):
        def read(self):
            return {"MOOGSOFT_API_KEY": str(os.getpid())}

    secrets = Secrets(Changing({}), look_every_s=0)
    with secrets._lock:  # noqa: SLF001 - as in a look
        child = os.fork()
        if not child:
            os._exit(secrets["MOOGSOFT_API_KEY"] != str(os.getpid()))
    assert os.waitpid(child, 0)[1] == 0


def test_what_cannot_be_read_at_the_beginning_is_an_error():
    class Away:
        def read(self):
            raise SourceError("it is away")

    with pytest.raises(SourceError, match="it is away"):
        Secrets(Away())


def test_neither_text_nor_representation_holds_a_secret():
    secrets = Secrets(Fixed(ENOUGH))
    assert KEY not in f"{secrets} {secrets!r}"


def test_a_short_former_key_is_refused_as_a_short_key_is():
    with pytest.raises(ImproperlyConfigured, match="MUTT_SECRET_KEY_FALLBACKS is too short: 5 characters"):
        secrets_of({**ENOUGH, "MUTT_SECRET_KEY_FALLBACKS": f"{KEY}, short"})
