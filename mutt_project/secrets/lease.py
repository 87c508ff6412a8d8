"""How long a token of Vault serves: when to renew it, and when to log in anew. Times are Unix seconds."""

import math
from dataclasses import dataclass

_RENEW_AFTER = 2 / 3  # of the lease
_JITTER = 1 / 15  # of the lease, earlier


@dataclass(frozen=True, slots=True)
class Lease:
    """What Vault has granted at `granted_at`. `first_s` is what the login was granted, before any renewal."""

    granted_at: float
    lasts_s: float  # 0: it never ends
    first_s: float
    renewable: bool
    renew_at: float

    @property
    def ends_at(self) -> float:
        return self.granted_at + self.lasts_s if self.lasts_s else math.inf


def begun(now: float, lasts_s: float, *, renewable: bool, jitter: float) -> Lease:
    """The lease of a login; `jitter` (0 to 1) keeps machines from renewing all at once."""
    return Lease(now, lasts_s, lasts_s, renewable, _renew_at(now, lasts_s, jitter))


def renewed(lease: Lease, now: float, lasts_s: float, *, renewable: bool, jitter: float) -> Lease:
    return Lease(now, lasts_s, lease.first_s, renewable, _renew_at(now, lasts_s, jitter))


def wants_login(lease: Lease, now: float) -> bool:
    """Whether the token is over, or cannot be renewed for much longer: towards its maximum, renewals get shorter."""
    return now >= lease.ends_at or lease.lasts_s < lease.first_s / 2 or (now >= lease.renew_at and not lease.renewable)


def wants_renewal(lease: Lease, now: float) -> bool:
    return lease.renewable and lease.renew_at <= now < lease.ends_at


def _renew_at(now: float, lasts_s: float, jitter: float) -> float:
    return now + lasts_s * (_RENEW_AFTER - jitter * _JITTER) if lasts_s else math.inf
