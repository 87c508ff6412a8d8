"""Celery's transport, as mended: it goes on fetching after an acknowledgement that Redis did not hear of."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Consumer, Exchange, Producer, Queue
from redis.exceptions import ConnectionError as RedisAway

from audit.connections import redis_client
from mutt_project.celery import app

QUEUE = Queue("of-this-test", Exchange("of-this-test"), routing_key="of-this-test")


@pytest.fixture
def connection(redis_server):
    with app.connection_for_read() as opened:
        yield opened


def fetch(connection: Connection, number: int) -> Iterator[Any]:
    """So many messages, each published before and fetched with a prefetch of 1."""
    channel: Any = connection.default_channel
    producer = Producer(channel, exchange=QUEUE.exchange, routing_key=QUEUE.routing_key, serializer="json")
    got: list[Any] = []
    consumer = Consumer(channel, [QUEUE], callbacks=[lambda _, message: got.append(message)])
    consumer.qos(prefetch_count=1)
    with consumer:
        for turn in range(number):
            producer.publish({"turn": turn}, declare=[QUEUE])
            connection.drain_events(timeout=5)
            yield got[-1]


@pytest.mark.parametrize("verb", ["ack", "reject"])
def test_what_redis_did_not_hear_of_leaves_room_for_the_next_message(connection, monkeypatch, verb):
    channel: Any = connection.default_channel
    qos = channel.qos

    def away(*_):
        raise RedisAway("cut")

    messages = fetch(connection, 2)
    first = next(messages)
    assert not qos.can_consume()
    with monkeypatch.context() as cut:
        cut.setattr(qos, "_remove_from_indices", away)
        with pytest.raises(RedisAway):
            getattr(first, verb)()
    assert qos.can_consume()
    assert next(messages).payload == {"turn": 1}
    assert redis_client().hlen("unacked") == 2  # it will come again, and its batch has moved on


def test_kombus_own_transport_still_needs_mending(redis_server, settings, monkeypatch):
    """Should this fail one day: kombu was mended, and mutt_project/broker.py can go."""
    with Celery(broker=settings.CELERY_BROKER_URL).connection_for_read() as plain:
        first = next(fetch(plain, 1))
        channel: Any = plain.default_channel
        qos = channel.qos
        monkeypatch.setattr(qos, "_remove_from_indices", lambda *_: (_ for _ in ()).throw(RedisAway("cut")))
        with pytest.raises(RedisAway):
            first.ack()
        assert not qos.can_consume()
