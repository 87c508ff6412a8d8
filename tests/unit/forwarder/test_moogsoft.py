"""The HTTP client against real HTTP: what counts as taken, and each way to fail."""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

import pytest

from audit.alert import Alert
from forwarder.moogsoft import Answer, Destination, Moogsoft, moogsoft, moogsoft_with
from forwarder.payload import Dialect, Flavour
from forwarder.retry import Concern, DeliveryError, Reason
from tests.unit.forwarder.moogsoft_double import HERE, OK, Behaviour, Misdeed, MoogsoftDouble
from tests.unit.forwarder.records import to_send

KEY = "a-very-secret-key"


def client(url: str, dialect: Dialect | None = None, read_timeout_s: float = 2.0) -> Moogsoft:
    return Moogsoft(Destination(url, KEY, dialect or Dialect(Flavour.CLOUD), 0.5, read_timeout_s, HERE))


def send(by: Moogsoft, alerts: Sequence[Alert]) -> Answer:
    return by.post(by.body(alerts, 100))


def failure(double: MoogsoftDouble, answer: Behaviour, **options: Any) -> DeliveryError:
    double.answer = lambda request: answer
    with pytest.raises(DeliveryError) as caught:
        send(client(double.url, **options), [to_send()])
    assert KEY not in f"{caught.value} {caught.value.detail} {caught.value!r}"
    return caught.value


def test_cloud_is_posted_an_array_with_the_key_in_the_header(double):
    answer = send(client(double.url), [to_send(), to_send()])
    assert answer == Answer(200, '{"status":"ok"}')
    (request,) = double.requests
    assert request.path == "/v1/integrations/events"
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert (headers["apikey"], headers["content-type"]) == (KEY, "application/json")
    assert [event["source"] for event in request.body] == ["edge-1", "edge-1"]
    assert KEY not in str(request.body)


def test_onprem_is_posted_its_events_with_the_key_in_the_body_alone(double):
    send(client(double.url, Dialect(Flavour.ONPREM, auth_token=KEY)), [to_send(), to_send()])
    (request,) = double.requests
    assert (len(request.body["events"]), request.body["auth_token"]) == (2, KEY)
    assert KEY not in str(request.headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_means_taken_whatever_the_body_is(double, status):
    body = b"" if status == 204 else b"\xff\x00<html>garbage"
    double.answer = lambda request: (status, {}, body)
    answer = send(client(double.url), [to_send()])
    assert answer.status == status
    assert "\x00" not in answer.excerpt  # PostgreSQL keeps none
    assert answer.excerpt.endswith("<html>garbage" if body else "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(double, status):
    error = failure(double, (status, {"Location": double.url}, b""))
    assert (error.reason, error.status, error.concern) == (Reason.REDIRECTED, status, Concern.DESTINATION)
    assert len(double.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REFUSED),
        (401, Reason.UNAUTHORISED),
        (403, Reason.UNAUTHORISED),
        (404, Reason.MISDIRECTED),
        (408, Reason.TIMEOUT),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
    ],
)
def test_a_status_that_is_no_2xx_is_an_error_with_its_reason_and_the_answers_beginning(double, status, reason):
    error = failure(double, (status, {}, b'{"message":"no"}'))
    assert (error.reason, error.status) == (reason, status)
    assert error.detail == f'HTTP {status}: {{"message":"no"}}'
    assert len(double.requests) == 1  # retries are Celery's


def test_a_key_that_an_answer_repeats_is_not_repeated_by_us(double):
    error = failure(double, (401, {}, f"API key {KEY} is not known".encode()))
    assert error.detail == "HTTP 401: API key [redacted] is not known"


def test_a_key_that_is_cut_by_the_end_of_the_excerpt_is_not_repeated_either(double):
    error = failure(double, (400, {}, b"x" * 990 + KEY.encode()))
    assert KEY[:6] not in error.detail


def test_a_long_answer_is_cut(double):
    assert len(failure(double, (400, {}, b"x" * 1_000_000)).detail) <= len("HTTP 400: ") + 1000


def test_nobody_listening_is_a_connection_error_that_is_tried_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://someone:{KEY}@127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(DeliveryError) as caught:
            send(client(url), [to_send()])
    assert (caught.value.reason, caught.value.status) == (Reason.CONNECTION, None)
    assert caught.value.concern is Concern.DESTINATION
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_a_name_that_is_not_known_is_a_connection_error():
    with pytest.raises(DeliveryError) as caught:
        send(client("http://moogsoft.invalid/"), [to_send()])
    assert caught.value.reason is Reason.CONNECTION


def test_a_connection_that_is_reset_is_a_connection_error(double):
    error = failure(double, Misdeed.RESET)
    assert (error.reason, error.status, error.concern) == (Reason.CONNECTION, None, Concern.DESTINATION)


def test_an_answer_that_does_not_come_is_a_timeout(double):
    before = time.monotonic()
    error = failure(double, Misdeed.HANG, read_timeout_s=0.2)
    assert (error.reason, error.status, error.concern) == (Reason.TIMEOUT, None, Concern.DESTINATION)
    assert time.monotonic() - before < 2


@pytest.mark.parametrize(("status", "taken"), [(200, True), (500, False)])
def test_a_status_stands_though_the_rest_of_its_answer_never_comes(double, status, taken):
    ends_early = (status, {"Content-Length": "5000", "Connection": "close"}, b"the beginning")
    if taken:
        double.answer = lambda request: ends_early
        assert send(client(double.url), [to_send()]) == Answer(200, "the beginning")
    else:
        assert failure(double, ends_early).detail == "HTTP 500: the beginning"


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_dribbles_in_byte_by_byte_ends_at_the_deadline(part):
    """Each byte is in time for a timeout of the socket; connect and read timeouts together bound the whole."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        dribbling = threading.Thread(target=dribble, args=(server, part), daemon=True)
        dribbling.start()
        before = time.monotonic()
        sender = client(f"http://127.0.0.1:{server.getsockname()[1]}/", read_timeout_s=0.5)
        if part == "body":
            assert send(sender, [to_send()]).status == 200
        else:
            with pytest.raises(DeliveryError) as caught:
                send(sender, [to_send()])
            assert caught.value.reason is Reason.TIMEOUT
        assert 0.4 < time.monotonic() - before < 3
        dribbling.join(timeout=5)


def dribble(server: socket.socket, part: str) -> None:
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" if part == "body" else b"HTTP/1.1 200 ")
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.05)


def test_an_alert_of_which_no_payload_can_be_made_is_told_from_the_rest(double):
    broken = to_send(message=None)  # no record of ours has that
    with pytest.raises(DeliveryError) as caught:
        send(client(double.url), [to_send(), broken])
    assert (caught.value.reason, caught.value.concern) == (Reason.UNSENDABLE, Concern.EVENT)
    assert double.requests == []


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("1.5", 1.5, 1.5),
        ("-5", 0, 0),
        (" 7 ", 7, 7),
        (formatdate(time.time() + 86_400, usegmt=True), 80_000, 86_400),
        (formatdate(0, usegmt=True), 0, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_seconds_or_a_date(double, header, low, high, status):
    assert low <= failure(double, (status, {"Retry-After": header}, b"")).retry_after_s <= high


@pytest.mark.parametrize(
    "header",
    ["soon", "", "1 minute", "Wed, 99 Foo 2026 25:61:00 GMT", "Mon, 23 Nov 99999 08:00:00 GMT", "0x10", "7;8"],
)
def test_a_retry_after_that_says_nothing_is_as_none(double, header):
    assert failure(double, (503, {"Retry-After": header}, b"")).retry_after_s is None


def test_without_retry_after_there_is_none(double):
    assert failure(double, (503, {}, b"")).retry_after_s is None


def test_the_connection_is_kept_for_the_next_post_whatever_was_answered(double):
    sender = client(double.url)
    answers = iter([OK, (500, {}, b"x" * 100), (400, {}, b"no"), (204, {}, b""), OK])
    double.answer = lambda request: next(answers)
    for _ in range(5):
        try:
            send(sender, [to_send()])
        except DeliveryError:
            continue
    assert len(double.requests) == 5
    assert len({request.connection for request in double.requests}) == 1


def test_a_client_goes_on_after_a_connection_was_lost(double):
    sender = client(double.url)
    answers = iter([OK, Misdeed.RESET, OK])
    double.answer = lambda request: next(answers)
    send(sender, [to_send()])
    with pytest.raises(DeliveryError):
        send(sender, [to_send()])
    assert send(sender, [to_send()]).status == 200


@pytest.mark.parametrize(
    ("dialect", "many"),
    [
        (Dialect(Flavour.CLOUD), True),
        (Dialect(Flavour.CLOUD, wrap_in_array=False), False),
        (Dialect(Flavour.ONPREM), True),
    ],
)
def test_only_a_destination_that_takes_several_events_is_sent_several(dialect, many):
    assert client("http://127.0.0.1:1/", dialect).takes_many is many


@pytest.mark.parametrize(("flavour", "header", "in_body"), [("cloud", KEY, False), ("onprem", None, True)])
def test_the_settings_choose_the_product_and_where_the_key_goes(double, settings, flavour, header, in_body):
    settings.MOOGSOFT_FLAVOUR, settings.MOOGSOFT_URL = flavour, double.url
    settings.MUTT_SECRETS = {"MOOGSOFT_API_KEY": KEY}
    moogsoft_with.cache_clear()
    try:
        send(moogsoft(), [to_send()])
    finally:
        moogsoft_with.cache_clear()
    (request,) = double.requests
    assert request.headers.get("apiKey") == header
    assert (KEY in str(request.body)) is in_body


def test_a_connection_that_took_all_the_time_to_come_about_is_not_used(double, monkeypatch):
    looking_up = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.5)
        return looking_up(*args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", slowly)
    sender = Moogsoft(Destination(double.url, KEY, Dialect(Flavour.CLOUD), 0.1, 0.1, HERE))
    with pytest.raises(DeliveryError) as caught:
        send(sender, [to_send()])
    assert caught.value.reason is Reason.TIMEOUT
    time.sleep(0.2)
    assert double.requests == []


@pytest.mark.parametrize("key", ["with\na line's end", "with a ☃"])
def test_a_key_that_no_header_can_hold_is_a_failure_like_any_other_and_is_not_told(double, key):
    sender = Moogsoft(Destination(double.url, key, Dialect(Flavour.CLOUD), 1, 1, HERE))
    with pytest.raises(DeliveryError) as caught:
        send(sender, [to_send()])
    assert caught.value.reason is Reason.CONNECTION
    assert key not in f"{caught.value} {caught.value.detail}"
