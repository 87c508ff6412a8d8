"""Celery's transport for Redis, mended in one place: an acknowledgement that fails must not stop a worker for good."""

from kombu.transport import redis


class QoS(redis.QoS):
    """Counts what was delivered and not acknowledged yet; at `prefetch_count` nothing more is fetched.

    kombu 5.7 forgets a message only after Redis has heard of its acknowledgement. Where the connection breaks right
    then, the error is only logged, the message counts for ever, and a worker with a prefetch of 1 never asks for
    another one.
    """

    def ack(self, delivery_tag: str) -> None:
        super(redis.QoS, self).ack(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        super(redis.QoS, self).ack(delivery_tag)
        super().reject(delivery_tag, requeue=requeue)


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
