"""Several small batches in common requests: what has waited in many of them goes out as if it had come in few.

Only what is plain goes together. Whatever stands in the way is left to each batch by itself (`forward_batch`), which
knows how to find a guilty event and whom to suspect.
"""

from collections import deque
from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from audit import claims
from audit.journal import StaleClaim
from forwarder.delivery import Delivery, look_up
from forwarder.request import Means, Part, Refused, send


class Together:
    """Delivers several claimed batches; they stand in the order of their receipt.

    `alone` are those that have to go by themselves, now or, where Moogsoft refused a request in which they were
    (`refused`), the next time. The others owe nothing when all is done, but for what has to wait for the batch ahead.
    """

    def __init__(self, deliveries: Sequence[Delivery], means: Means) -> None:
        self.deliveries = deliveries
        self._means = means
        self._size = means.size if means.destination.takes_many else 1
        self.alone: list[Delivery] = []
        self.refused = set[UUID]()
        self._lost = set[UUID]()  # somebody else has them by now

    def run(self) -> None:
        """Send what can go together. Raises Held where nothing may go out now, Failed where a request failed."""
        look_up(self.deliveries, self._means)
        requests: deque[Sequence[Delivery]] = deque(self._requests())
        renewed = monotonic()
        while requests:
            if monotonic() - renewed > self.deliveries[0].claim.lease_s / 4:  # the first ones may have taken long
                self._renew()
                renewed = monotonic()
            ours = [delivery for delivery in requests.popleft() if delivery.claim.batch not in self._lost]
            if together := self._in_order(ours):
                requests.extendleft(reversed(self._send(together)))

    def _renew(self) -> bool:
        """Ask for full leases for all, also for those that only wait for the end; returns whether one was lost."""
        held = [delivery.claim for delivery in self.deliveries if delivery.claim.batch not in self._lost]
        ours = claims.renew(held)
        self._lost |= {claim.batch for claim in held} - {claim.batch for claim in ours}
        return len(ours) < len(held)

    def _requests(self) -> list[list[Delivery]]:
        """Plain deliveries, as many together as a request can hold."""
        requests: list[list[Delivery]] = []
        room = 0
        for delivery in self.deliveries:
            if not delivery.ready:
                continue
            if not delivery.is_plain or len(delivery.ready) > self._size:
                self.alone.append(delivery)
            elif len(delivery.ready) <= room:
                requests[-1].append(delivery)
                room -= len(delivery.ready)
            else:
                requests.append([delivery])
                room = self._size - len(delivery.ready)
        return requests

    def _in_order(self, together: Sequence[Delivery]) -> list[Delivery]:
        """Those that do not have to follow one that goes alone, for a key that both have."""
        free: list[Delivery] = []
        for delivery in together:
            before = [one for one in self.alone if one.claim.batch < delivery.claim.batch]
            if delivery.ready_keys.isdisjoint(key for one in before for key in one.ready_keys):
                free.append(delivery)
            else:
                self.alone.append(delivery)
        return free

    def _send(self, together: Sequence[Delivery]) -> list[Sequence[Delivery]]:
        """Make one request; returns the smaller ones that have to follow it, where it is about one of its events."""
        try:
            send([Part(delivery.claim, delivery.ready) for delivery in together], self._means)
        except StaleClaim:
            if not self._renew():
                raise
            return [together]
        except Refused as refused:
            first, *others = together
            if others:
                self.refused |= {delivery.claim.batch for delivery in together}
                half = len(together) // 2
                return [together[:half], together[half:]]
            first.divide(first.ready, refused.error)
            self.alone += [first] if first.ready else []
        else:
            for delivery in together:
                delivery.sent(delivery.ready)
        return []
