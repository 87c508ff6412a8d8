"""Every secret is changed in its turn, by the steps of docs/rotation.md, while events come in: none is lost."""

import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg2
import pytest
import urllib3
from redis import Redis
from redis.exceptions import AuthenticationError
from standardwebhooks.webhooks import Webhook

from ops.local import samples
from ops.local.stack import ROOT, Stack
from tests.mutt import Mutt, eventually

pytestmark = pytest.mark.stack

NAMES = (
    *("MUTT_SECRET_KEY", "MUTT_SECRET_KEY_FALLBACKS", "MOOGSOFT_API_KEY"),
    *("DATABASE_PASSWORD", "DATABASE_PASSWORD_NEXT", "REDIS_PASSWORD", "REDIS_PASSWORD_NEXT"),
)
PAGE = (ROOT / "docs" / "rotation.md").read_text()
(IN_POSTGRESQL,) = re.findall(r"^```sql\n(.+)\n```", PAGE, re.MULTILINE)
ADD_PASSWORD, TAKE_PASSWORD = re.findall(r"^```redis\n(.+)\n```", PAGE, re.MULTILINE)
(SEAL_AGAIN,) = re.findall(r"^\.venv/bin/python manage\.py (.+)$", PAGE, re.MULTILINE)
SEEN_S = 1.5  # the runbook's pause: within it every process has seen a changed file


class Files:
    """The secrets of a MUTT, each in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def __getitem__(self, name: str) -> str:
        return (self._folder / name).read_text()

    def __setitem__(self, name: str, value: str) -> None:
        draft = self._folder / f"{name}.new"
        draft.write_text(value)
        draft.replace(self._folder / name)

    @property
    def settings(self) -> dict[str, str]:
        files = {f"{name}_FILE": str(self._folder / name) for name in NAMES}
        return {**dict.fromkeys(NAMES, ""), **files, "MOOGSOFT_STUB_KEY_FILE": str(self._folder / "at-moogsoft")}


class Sender:
    """Sends events of one matching host, one after the other, signed where it has a signing secret."""

    def __init__(self, web: str, key: str, signing_secret: str = "") -> None:
        self.key, self.signing_secret = key, signing_secret
        self.answers: Counter[int] = Counter()
        self._web = web
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send_all)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def sent_more(self) -> None:
        """Wait until some more was answered."""
        enough = self.answers.total() + 20
        eventually(lambda: self.answers.total() >= enough)

    def _send_all(self) -> None:
        http = urllib3.PoolManager(retries=False, timeout=30)
        while not self._over.is_set():
            now = datetime.now(UTC)
            event = {
                "hostname": "core-router-01",
                "timestamp": now.isoformat(),
                "message": "Interface Gi0/1, changed state to down",
            }
            body = json.dumps(event)
            headers = {"X-API-KEY": self.key, "Content-Type": "application/json", **self._signature(body, now)}
            self.answers[http.request("POST", f"{self._web}/webhook", body=body, headers=headers).status] += 1
            time.sleep(0.05)

    def _signature(self, body: str, now: datetime) -> dict[str, str]:
        if not self.signing_secret:
            return {}
        identifier = secrets.token_hex(8)
        return {
            "webhook-id": identifier,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.signing_secret).sign(identifier, now, body),
        }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("rotation") / "secrets")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[Stack]:
    extra = {**files.settings, "MUTT_KEY_MAX_AGE_S": "1", "MUTT_CANARY_EVERY_S": "0"}
    made = Stack(tmp_path_factory.mktemp("stack") / "var", given={}, extra=extra)
    files["MUTT_SECRET_KEY"], files["MUTT_SECRET_KEY_FALLBACKS"] = made.secrets["django"], ""
    files["MOOGSOFT_API_KEY"] = files["at-moogsoft"] = made.secrets["moogsoft"]
    files["DATABASE_PASSWORD"], files["DATABASE_PASSWORD_NEXT"] = made.secrets["postgresql"], ""
    files["REDIS_PASSWORD"], files["REDIS_PASSWORD_NEXT"] = made.secrets["redis"], ""
    made.start()
    try:
        samples.load_rules(made.web, made.secrets["api_key"])
        yield made
    finally:
        made.stop()


def test_every_secret_changes_under_load_and_no_event_is_lost(stack, files):
    mutt = Mutt(stack)
    plain = mutt.api("keys", "POST", {"name": "plain", "scopes": ["ingest"]})
    signed = mutt.api("keys", "POST", {"name": "signed", "scopes": ["ingest"], "signed": True})
    with (
        Sender(stack.web, plain["secret"]) as one,
        Sender(stack.web, signed["secret"], signed["signing_secret"]) as other,
    ):
        one.sent_more()
        database = _change_password_of_postgresql(stack, files)
        one.sent_more()
        redis = _change_password_of_redis(stack, files)
        one.sent_more()
        _change_key_of_moogsoft(stack, files, mutt)
        one.sent_more()
        _change_secret_key(stack, files)
        one.sent_more()
        one.key = mutt.api(f"keys/{plain['id']}/rotate-secret", "POST", {"grace_hours": 1})["secret"]
        made = mutt.api(f"keys/{signed['id']}/rotate-signing-secret", "POST")
        time.sleep(SEEN_S)  # MUTT_KEY_MAX_AGE_S, above
        other.signing_secret = made["signing_secret"]
        other.sent_more()
        mutt.api(f"keys/{signed['id']}/drop-old-signing-secret", "POST")
        mutt.api(f"keys/{plain['id']}/rotate-secret", "POST", {"grace_hours": 0})
    answers = one.answers + other.answers
    # The last step was without a grace: the key that `one` had was refused from then on, and nothing else ever.
    assert answers.keys() <= {202, 401}, answers
    assert other.answers.keys() == {202}
    ledger = mutt.settled()
    assert ledger["accepted"] == answers[202]
    assert ledger["delivered"] == answers[202], ledger
    assert mutt.stats()["events"] >= answers[202]
    for refused in (database, redis):
        refused()


def _change_password_of_postgresql(stack: Stack, files: Files) -> Callable[[], None]:
    old, new = files["DATABASE_PASSWORD"], secrets.token_urlsafe(24)
    files["DATABASE_PASSWORD_NEXT"] = new
    time.sleep(SEEN_S)
    _in_postgresql(stack, old, IN_POSTGRESQL.replace("NEW", new))
    files["DATABASE_PASSWORD"], files["DATABASE_PASSWORD_NEXT"] = new, ""
    time.sleep(SEEN_S)
    # Open connections live on; so that new ones are made, they are cut.
    _in_postgresql(stack, new, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def refused() -> None:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            _in_postgresql(stack, old, "SELECT 1")

    return refused


def _in_postgresql(stack: Stack, password: str, statement: str) -> None:
    connection = psycopg2.connect(stack.database_url, password=password)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _change_password_of_redis(stack: Stack, files: Files) -> Callable[[], None]:
    old, new = files["REDIS_PASSWORD"], secrets.token_urlsafe(24)
    port = stack.ports.redis
    with Redis(port=port, password=old) as client:
        there: Any = client
        there.execute_command(*ADD_PASSWORD.replace("NEW", new).split())
        files["REDIS_PASSWORD_NEXT"] = new
        time.sleep(SEEN_S)
        files["REDIS_PASSWORD"], files["REDIS_PASSWORD_NEXT"] = new, ""
        time.sleep(SEEN_S)
        there.execute_command(*TAKE_PASSWORD.replace("OLD", old).split())
        there.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def refused() -> None:
        with Redis(port=port, password=old) as client, pytest.raises(AuthenticationError):
            client.ping()

    return refused


def _change_key_of_moogsoft(stack: Stack, files: Files, mutt: Mutt) -> None:
    """The worse way: the old key is refused before MUTT has the new one."""
    new = secrets.token_urlsafe(24)
    files["at-moogsoft"] = new
    eventually(lambda: mutt.api("breaker")["paused"])
    files["MOOGSOFT_API_KEY"] = new
    before = mutt.stats()["events"]
    eventually(lambda: mutt.stats()["events"] > before)


def _change_secret_key(stack: Stack, files: Files) -> None:
    old, new = files["MUTT_SECRET_KEY"], secrets.token_urlsafe(48)
    files["MUTT_SECRET_KEY_FALLBACKS"] = f"{new},{old}"
    time.sleep(SEEN_S)
    files["MUTT_SECRET_KEY"] = new
    time.sleep(SEEN_S)
    stack.manage(SEAL_AGAIN)
    files["MUTT_SECRET_KEY_FALLBACKS"] = ""
    time.sleep(SEEN_S)
