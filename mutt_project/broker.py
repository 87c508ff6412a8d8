"""Celery's transport for Redis, which connects as all of MUTT does, and whose workers outlive lost acknowledgements."""

from typing import Any

from kombu.transport import redis

from audit.redis_connecting import connection_class, tls_options


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
    _shared: Any = None

    @property
    def connection_class(self) -> type:  # type: ignore[override] # kombu's is set once, ours by the settings
        return connection_class()

    connection_class_ssl = connection_class

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        """Kombu makes a client for each thing that it does, which costs more than the thing: here one serves for all.

        Those that wait for messages have connections of their own; and a broken connection has a new pool made.
        """
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc] # not in its stubs
        if self._shared is None or self._shared.connection_pool is not self.pool:
            self._shared = super()._create_client()  # type: ignore[misc] # as above
        return self._shared

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's signature
        found: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc] # not in its stubs
        return {**found, **tls_options()}


class Transport(redis.Transport):
    Channel = Channel
