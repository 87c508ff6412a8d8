"""Redis and PostgreSQL over TLS, with real servers and certificates: what works, and what is said of the rest."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import urllib3
from celery import Celery
from kombu import Consumer, Exchange, Producer, Queue
from kombu.exceptions import OperationalError

from audit.connections import redis_client
from audit.journal import journal
from mutt_project.postgresql.base import DatabaseWrapper
from mutt_project.settings.databases import database_of
from mutt_project.status import postgresql_look
from mutt_project.status.check import Check, State
from mutt_project.status.postgresql_look import look_at_postgresql
from mutt_project.status.redis_look import look_at_redis
from tests.certificates import Certificates
from tests.mutt import event, eventually, running
from tests.tls_servers import PASSWORD, TlsPostgresql, TlsRedis
from tests.unit.audit.batches import opened

QUEUE = Queue("of-this-test", Exchange("of-this-test"), routing_key="of-this-test")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def redis(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    with TlsRedis(tmp_path_factory.mktemp("redis"), made).running() as server:
        yield server


@pytest.fixture(scope="module")
def postgresql(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsPostgresql]:
    with TlsPostgresql(tmp_path_factory.mktemp("postgresql"), made).running() as server:
        yield server


@pytest.fixture
def there(redis: TlsRedis, made: Certificates, settings) -> Iterator[Any]:
    """The settings, with REDIS_URL as it should be; the server as it should be afterwards."""
    settings.REDIS_URL, settings.REDIS_CA_FILE = redis.url(), str(made.ca)
    settings.MUTT_SECRETS = {}
    yield settings
    redis.show(made.right)
    redis.demand("optional")


def refused(check: Check) -> str:
    assert check.state is State.FAILED
    assert check.mend
    assert PASSWORD not in f"{check}"
    return check.text


def test_the_journal_is_written_over_tls(there):
    redis_client.cache_clear()
    journal.cache_clear()
    try:
        batch = opened(journal())
        assert batch in journal().totals().unrecorded
        assert look_at_redis().check.is_well
        assert look_at_redis().version
    finally:
        redis_client().flushall()
        redis_client.cache_clear()
        journal.cache_clear()


def test_our_transport_publishes_and_consumes_over_tls(there):
    app = Celery(broker=there.REDIS_URL, broker_transport=there.CELERY_BROKER_TRANSPORT)
    got: list[Any] = []
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        Producer(channel, exchange=QUEUE.exchange, routing_key=QUEUE.routing_key).publish({"a": 1}, declare=[QUEUE])
        with Consumer(channel, [QUEUE], callbacks=[lambda content, _: got.append(content)], no_ack=True):
            connection.drain_events(timeout=5)
    assert got == [{"a": 1}]


def test_redis_is_not_trusted_with_another_authority_name_or_time(there, redis, made):
    there.REDIS_CA_FILE = str(made.other_ca)
    assert refused(look_at_redis().check) == "There is no connection by TLS: its certificate is not trusted."
    there.REDIS_CA_FILE = None
    assert "its certificate is not trusted" in refused(look_at_redis().check)
    there.REDIS_CA_FILE = str(made.ca)
    redis.show(made.of_another_host)
    assert "its certificate is for another host" in refused(look_at_redis().check)
    redis.show(made.expired)
    assert "its certificate has expired" in refused(look_at_redis().check)
    redis.show(made.right)
    assert look_at_redis().check.is_well


def test_neither_a_wrong_certificate_nor_a_plain_connection_gets_anything_into_the_broker(there, redis, made):
    redis.show(made.of_another_host)
    app = Celery(broker=there.REDIS_URL, broker_transport=there.CELERY_BROKER_TRANSPORT)
    with app.connection_for_write() as connection, pytest.raises(OperationalError, match="address mismatch"):
        connection.ensure_connection(max_retries=0, timeout=1)
    redis.show(made.right)
    there.REDIS_URL = redis.url().replace("rediss:", "redis:")
    assert refused(look_at_redis().check)


def test_a_wrong_password_and_a_client_certificate_that_redis_demands_are_told(there, redis, made):
    there.REDIS_URL = redis.url(password="wrong")
    assert refused(look_at_redis().check) == "It refuses the password."
    there.REDIS_URL = redis.url()
    redis.demand("yes")
    eventually(lambda: "client certificate" in refused(look_at_redis().check))  # unless the end comes before the reason
    there.REDIS_CLIENT_CERT_FILE, there.REDIS_CLIENT_KEY_FILE = str(made.client.cert), str(made.client.key)
    assert look_at_redis().check.is_well


def database(url: str) -> DatabaseWrapper:
    defaults = {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
    return DatabaseWrapper({**defaults, **database_of(url)}, alias="tls")


@pytest.fixture
def look(monkeypatch, settings):
    """What the status says of the database at a URL."""
    settings.MUTT_SECRETS = {}

    def at(url: str) -> Check:
        monkeypatch.setattr(postgresql_look, "connection", database(url))
        return look_at_postgresql().check

    return at


def test_django_asks_postgresql_over_tls(postgresql, made, settings):
    settings.MUTT_SECRETS = {}
    ours = database(postgresql.url(sslmode="verify-full", sslrootcert=made.ca))
    with closing(ours.get_new_connection(ours.get_connection_params())) as session, session.cursor() as cursor:
        cursor.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (True, "TLSv1.3")


def test_postgresql_is_not_trusted_with_another_authority_name_or_time(postgresql, made, look):
    right, good = {"sslmode": "verify-full", "sslrootcert": made.ca}, "Its tables are not those of this version"
    assert refused(look(postgresql.url(**right))).startswith(good)
    untrusted = "Its certificate is not trusted, or has expired."
    assert untrusted in refused(look(postgresql.url(**{**right, "sslrootcert": made.other_ca})))
    assert untrusted in refused(look(postgresql.url(**{**right, "sslrootcert": "system"})))
    assert "is not there" in refused(look(postgresql.url(**{**right, "sslrootcert": "/away.pem"})))
    assert "It wants TLS." in refused(look(postgresql.url(sslmode="disable")))
    postgresql.show(made.of_another_host)
    eventually(lambda: "Its certificate is for another host." in refused(look(postgresql.url(**right))))
    postgresql.show(made.expired)
    eventually(lambda: untrusted in refused(look(postgresql.url(**right))))
    postgresql.show(made.right)
    eventually(lambda: refused(look(postgresql.url(**right))).startswith(good))


def test_a_wrong_password_and_a_client_certificate_that_postgresql_demands_are_told(postgresql, made, look, settings):
    right: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": made.ca}
    assert "It refuses the password." in refused(look(postgresql.url(**right).replace(PASSWORD, "wrong")))
    postgresql.run(f"CREATE ROLE certified LOGIN PASSWORD '{PASSWORD}'")
    url = postgresql.url(user="certified", **right)
    assert "our client certificate" in refused(look(url))
    url = postgresql.url(user="certified", **right, sslcert=made.client.cert, sslkey=made.client.key)
    assert "Its tables are not those" in refused(look(url))


@pytest.mark.stack
def test_the_whole_pipeline_works_where_both_stores_speak_tls_only(redis, postgresql, made, tmp_path):
    """Nothing has forgotten the options: web, workers, beat, management commands, nor Flower's page of the broker."""
    redis.demand("yes")
    given = {
        "REDIS_URL": redis.url(host="localhost"),
        "REDIS_CA_FILE": str(made.ca),
        "REDIS_CLIENT_CERT_FILE": str(made.client.cert),
        "REDIS_CLIENT_KEY_FILE": str(made.client.key),
        "DATABASE_URL": postgresql.url(host="localhost", sslmode="verify-full", sslrootcert=made.ca),
    }
    try:
        with running(tmp_path, {"MUTT_CANARY_EVERY_S": "0"}, given) as mutt:
            (identifier,) = mutt.send(event(message="Interface Gi0/9, changed state to down"))
            assert mutt.outcome(identifier, "delivered")
            assert mutt.settled()["delivered"] == 1
            checks = {check["name"]: check for check in mutt.api("status")["checks"]}
            assert checks["redis"]["state"] == checks["postgresql"]["state"] == "ok"
            assert not {"setting_redis_tls", "setting_postgresql_tls"} & checks.keys()
            access = urllib3.make_headers(basic_auth=f"admin:{mutt.stack.secrets['admin']}")
            page = f"http://127.0.0.1:{mutt.stack.ports.flower}/broker"
            shown = urllib3.request("GET", page, headers=access, timeout=30).data.decode()
            assert re.search("<td>(pipeline|forward)</td>", shown)  # of the workers that answered Flower at its start
            assert PASSWORD not in shown
    finally:
        redis.demand("optional")
