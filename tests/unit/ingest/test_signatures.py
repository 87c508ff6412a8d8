"""Signatures of requests, with the official library of Standard Webhooks as the other side."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ingest.signatures import SignatureError, bytes_of, new_secret, text_of, verify

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
OLD, NEW = new_secret(), new_secret()
BODY = b'{"hostname": "h"}'


def signature(body: bytes = BODY, *, secret: str = NEW, identifier: str = "msg_1", stamp: str = STAMP) -> str:
    signed = f"{identifier}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(bytes_of(secret), signed, hashlib.sha256).digest()).decode()


def headers(signatures: str | None = None, *, identifier: str = "msg_1", stamp: str = STAMP) -> dict[str, str]:
    given = signature(identifier=identifier, stamp=stamp) if signatures is None else signatures
    return {"webhook-id": identifier, "webhook-timestamp": stamp, "webhook-signature": given}


def check(sent: dict[str, str], body: bytes = BODY, secrets: tuple[str, ...] = (NEW, OLD), now: datetime = NOW) -> str:
    return verify([bytes_of(secret) for secret in secrets], sent, body, now)


def refusal(sent: dict[str, str], body: bytes = BODY, secrets: tuple[str, ...] = (NEW, OLD)) -> str:
    with pytest.raises(SignatureError) as caught:
        check(sent, body, secrets)
    return str(caught.value)


@pytest.mark.parametrize("body", ["", "{}", '{"a": "ä 🐟"}', "line\r\nline"])
def test_what_the_official_library_signs_is_taken(body):
    now = datetime.now(UTC)
    signed = Webhook(NEW).sign("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", now, body)
    sent = headers(signed, identifier="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", stamp=str(int(now.timestamp())))
    assert check(sent, body.encode(), now=now) == "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"


def test_the_example_of_the_official_test_suite_is_taken():
    secret, stamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "1614265330"
    identifier, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    sent = headers("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", identifier=identifier, stamp=stamp)
    assert check(sent, body, (secret,), datetime.fromtimestamp(1614265330, UTC)) == identifier


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"webhook-timestamp": "soon"}, "whole seconds"),
        ({"webhook-id": ""}, "missing: webhook-id"),
        ({"webhook-signature": "v1,AAAA"}, "matches"),
        ({"webhook-id": "msg_2"}, "matches"),
    ],
)
def test_what_the_official_library_refuses_is_refused(change, said):
    now = datetime.now(UTC)
    stamp = str(int(now.timestamp()))
    good = headers(Webhook(NEW).sign("msg_1", now, BODY.decode()), stamp=stamp)
    assert Webhook(NEW).verify(BODY, good, json_parse=False) is None
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, {**good, **change})
    with pytest.raises(SignatureError, match=said):
        check({**good, **change}, now=now)


@pytest.mark.parametrize(("ahead_s", "said"), [(-400, "behind MUTT's clock"), (400, "ahead of MUTT's clock")])
def test_the_official_library_refuses_the_same_clocks(ahead_s, said):
    now = datetime.now(UTC)
    signed_at = now + timedelta(seconds=ahead_s)
    sent = headers(Webhook(NEW).sign("msg_1", signed_at, BODY.decode()), stamp=str(int(signed_at.timestamp())))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, sent)
    with pytest.raises(SignatureError, match=said):
        check(sent, now=now)


def test_the_official_library_takes_what_we_hand_out():
    assert Webhook(NEW).sign("msg_1", NOW, BODY.decode()) == signature()
    assert Webhook(NEW).sign("msg_1", NOW, BODY.decode()) != signature(secret=OLD)


@given(st.binary(max_size=200))
def test_bodies_of_any_bytes_can_be_signed(body):
    assert check(headers(signature(body)), body) == "msg_1"
    assert "matches" in refusal(headers(signature(body)), body + b"\0")


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_secrets_rotate_both_are_taken(secret):
    assert check(headers(signature(secret=secret))) == "msg_1"


def test_a_secret_that_was_dropped_is_refused():
    assert "No signature" in refusal(headers(signature(secret=OLD)), secrets=(NEW,))
    assert "No signature" in refusal(headers(), secrets=())


@pytest.mark.parametrize(
    "around",
    [
        "v1,AAAA {}",
        "{} v1,AAAA",
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw== {}",
        "v2,{} {}",
        "nonsense {}",
        "  {}  ",
        "v1,no-base64! {}",
        "v1, {}",
        "v1 {} v1,",
    ],
)
def test_one_good_signature_among_others_suffices(around):
    good = signature()
    assert check(headers(around.format(*[good] * around.count("{}")))) == "msg_1"


@pytest.mark.parametrize(
    "signatures",
    [
        "v1",
        "v1,",
        "v1 ,AAAA",
        "V1,AAAA",
        "v2,AAAA",
        "v1a,AAAA",
        "v1;AAAA",
        "nonsense",
        "v1,ä",
        "v1,\ud800",
        ",",
    ],
)
def test_a_header_without_a_signature_of_our_version_is_refused(signatures):
    assert "no signature of version v1" in refusal(headers(signatures))


@pytest.mark.parametrize("other", ["v2", "v1a", "V1"])
def test_a_good_signature_under_another_version_is_refused(other):
    refusal(headers(signature().replace("v1", other)))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_missing_header_is_named(missing, how):
    sent = headers()
    sent[missing] = ""
    if how == "absent":
        del sent[missing]
    assert refusal(sent).endswith(f"missing: {missing}.")


def test_all_missing_headers_are_named_at_once():
    assert refusal({}).endswith("missing: webhook-id, webhook-timestamp, webhook-signature.")


def test_names_of_headers_are_taken_in_any_case():
    assert check({name.title(): text for name, text in headers().items()}) == "msg_1"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_five_minutes_either_way_are_allowed(seconds):
    assert check(headers(), now=NOW + timedelta(seconds=seconds)) == "msg_1"


@pytest.mark.parametrize(
    ("seconds", "said"), [(301, "301 s behind MUTT's clock"), (-301, "301 s ahead of MUTT's clock")]
)
def test_more_than_five_minutes_are_refused_and_it_says_which_way(seconds, said):
    with pytest.raises(SignatureError, match=said):
        check(headers(), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["1e9", "+1", "-1", " 1", "1.0", "1_0", "١٢٣", "9" * 13, "nan", "\ud800"])
def test_a_timestamp_that_is_no_whole_number_is_refused(stamp):
    sent = {**headers(), "webhook-timestamp": stamp}
    assert "whole seconds" in refusal(sent)


@pytest.mark.parametrize("identifier", ["a.b", " a", "a b", "a\n", "ä", "x" * 256, "\ud800", "\x7f"])
def test_an_id_that_could_be_mistaken_is_refused(identifier):
    sent = {**headers(), "webhook-id": identifier}
    assert "without a full stop" in refusal(sent)


def test_a_signature_cannot_be_moved_to_another_request_by_shifting_the_full_stop():
    body = f"{STAMP}.{{}}".encode()
    signed = signature(body, identifier="a", stamp=STAMP)
    assert check(headers(signed, identifier="a"), body) == "a"
    assert "without a full stop" in refusal(headers(signed, identifier=f"a.{STAMP}"), b"{}")


@pytest.mark.parametrize("length", [24, 32, 64])
def test_secrets_of_24_to_64_bytes_are_taken(length):
    assert bytes_of(text_of(b"x" * length)) == b"x" * length


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_ä", "whsec_!", new_secret()[6:], text_of(b"x" * 23), text_of(b"x" * 65)]
)
def test_other_secrets_are_refused(text):
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        bytes_of(text)


def test_each_new_secret_is_another():
    assert len({new_secret() for _ in range(20)}) == 20
