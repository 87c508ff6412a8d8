"""What a request to the webhook is answered, in words that metrics, tables and the API share."""

from enum import StrEnum

ACCEPTED = "accepted"  # 202, and the events that were taken
REPEATED = "repeated"  # 202 with the answer of an earlier request; nothing was taken
REJECTED = "rejected"  # 400 for a lone bad event; and the bad events of all requests


class Why(StrEnum):
    """Why a request is refused as a whole."""

    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    EXPIRED_KEY = "expired_key"
    UNREADABLE_KEY = "unreadable_key"  # its signing secrets cannot be decrypted: MUTT_SECRET_KEY is another one
    KEY_IN_URL = "key_in_url"  # a key that may not be there
    WRONG_SCOPE = "wrong_scope"
    WRONG_SOURCE = "wrong_source"
    BAD_SIGNATURE = "bad_signature"
    BAD_IDEMPOTENCY_KEY = "bad_idempotency_key"  # too long, or used before with another body
    BODY_UNREADABLE = "body_unreadable"
    BODY_INCOMPLETE = "body_incomplete"  # the connection or the gzip data ended early
    UNKNOWN_ENCODING = "unknown_encoding"
    TOO_LARGE = "too_large"
    KEY_RATE = "key_rate"
    GLOBAL_RATE = "global_rate"
    FULL = "full"
    JOURNAL_AWAY = "journal_away"
    KEYS_UNAVAILABLE = "keys_unavailable"
    NOT_FOUND = "not_found"
    METHOD = "method"
    FAILED = "failed"  # a bug of MUTT


# Answered 5xx: the sender did nothing wrong.
OUR_FAULT = frozenset({Why.GLOBAL_RATE, Why.FULL, Why.JOURNAL_AWAY, Why.KEYS_UNAVAILABLE, Why.FAILED})
