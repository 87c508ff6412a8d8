"""Moogsoft over TLS with real certificates, and where alerts must never go."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from audit.tls import client_context
from forwarder.addresses import Addresses
from forwarder.moogsoft import Destination, Moogsoft, moogsoft
from forwarder.payload import Dialect, Flavour
from forwarder.retry import Concern, DeliveryError, Reason
from tests.certificates import Certificates, Files
from tests.unit.forwarder.moogsoft_double import HERE, MoogsoftDouble, serve
from tests.unit.forwarder.records import to_send

KEY = "a-very-secret-key"
Leads = Callable[[str, int], list[str]]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def over_tls(files: Files, client_ca: Path | None = None) -> Iterator[MoogsoftDouble]:
    with serve(files.server_context(client_ca)) as double:
        yield double


def send(url: str, ca: Path | None = None, ours: Files | None = None, addresses: Addresses = HERE) -> int:
    tls = client_context(str(ca) if ca else None, str(ours.cert) if ours else None, str(ours.key) if ours else None)
    sender = Moogsoft(Destination(url, KEY, Dialect(Flavour.CLOUD), 1, 2, addresses, tls))
    return sender.post(sender.body([to_send()], 100)).status


def refusal(*args: Any, **options: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(*args, **options)
    assert KEY not in f"{caught.value!r} {caught.value}"
    assert caught.value.concern is Concern.DESTINATION  # so it is tried again, and no event dies of it
    return caught.value


def test_a_certificate_of_our_own_authority_is_trusted(certificates: Certificates):
    with over_tls(certificates.right) as double:
        assert send(double.url, certificates.ca) == 200
        assert len(double.requests) == 1


@pytest.mark.parametrize(
    ("files", "ca", "words"),
    [
        ("right", "other_ca", "its certificate is not trusted"),
        ("right", None, "its certificate is not trusted"),
        ("of_another_host", "ca", "its certificate is for another host"),
        ("expired", "ca", "its certificate has expired"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_is_refused_before_the_key_is_told(certificates, files, ca, words):
    with over_tls(getattr(certificates, files)) as double:
        error = refusal(double.url, getattr(certificates, ca) if ca else None)
        assert (error.reason, error.detail) == (Reason.CONNECTION, words)
        assert double.requests == []


def test_a_client_certificate_is_shown_where_it_is_demanded(certificates: Certificates):
    with over_tls(certificates.right, client_ca=certificates.ca) as double:
        assert send(double.url, certificates.ca, certificates.client) == 200
        error = refusal(double.url, certificates.ca)
        assert error.detail == "it does not accept our client certificate, or the lack of one"
        assert len(double.requests) == 1


def test_certificates_that_are_renewed_are_taken_and_while_they_are_of_no_use_the_last_ones_stand(
    certificates: Certificates, tmp_path, settings, caplog
):
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(certificates.other_ca.read_bytes())
    settings.MOOGSOFT_CA_FILE = str(trusted)
    settings.MUTT_SECRETS = {"MOOGSOFT_API_KEY": KEY}

    def post() -> int:
        sender = moogsoft()
        return sender.post(sender.body([to_send()], 100)).status

    with over_tls(certificates.right) as double:
        settings.MOOGSOFT_URL = double.url
        with pytest.raises(DeliveryError, match="not trusted"):
            post()
        trusted.write_bytes(certificates.ca.read_bytes())
        assert post() == 200
        trusted.write_text("half a certifi")
        assert post() == 200
        assert "the former ones are used on" in caplog.text
        assert len({request.connection for request in double.requests}) == 1


def test_a_server_without_tls_is_told_from_one_that_is_away(certificates: Certificates):
    with serve() as double:
        error = refusal(double.url.replace("http:", "https:"), certificates.ca)
        assert error.detail == "it does not speak TLS"


def test_the_certificate_is_checked_for_the_name_though_the_connection_goes_to_a_checked_address(certificates):
    there = Addresses(HERE.allowed, look_up=lambda host, port: ["127.0.0.1"])
    with over_tls(certificates.right) as double:
        port = re.findall(r":(\d+)/", double.url)[0]
        assert send(f"https://moogsoft.example:{port}/", certificates.ca, addresses=there) == 200
        assert double.requests[0].headers["Host"] == f"moogsoft.example:{port}"
        error = refusal(f"https://elsewhere.example:{port}/", certificates.ca, addresses=there)
        assert error.detail == "its certificate is for another host"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "link-local"),
        ("::ffff:127.0.0.1", "loopback"),
        ("127.0.0.1", "loopback"),
        ("fe80::1%lo", "link-local"),
        ("::", "unspecified"),
        ("fd00:ec2::254", "of a cloud's metadata"),
    ],
)
def test_a_name_that_leads_to_a_refused_address_is_not_even_connected_to(address, kind, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)  # whoever makes one fails otherwise than is asked for
    error = refusal("https://moogsoft.example/", addresses=Addresses(look_up=lambda host, port: [address]))
    assert error.reason is Reason.ADDRESS_REFUSED
    assert f"leads to an address that is {kind}" in error.detail
    assert address not in error.detail  # the status shows it, which tells nobody any address


def test_a_name_that_leads_elsewhere_after_it_was_checked_is_of_no_use():
    """DNS rebinding: whoever answers for the name says something else the second time. There is no second time."""
    asked: list[str] = []

    def leads(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with serve() as double:
        url = double.url.replace("127.0.0.1", "rebinding.example")
        assert send(url, addresses=Addresses(HERE.allowed, look_up=leads)) == 200
    assert asked == ["rebinding.example"]


def test_the_next_address_of_a_name_is_tried_where_one_does_not_answer():
    with serve() as double:
        url = double.url.replace("127.0.0.1", "two.example")
        addresses = Addresses(HERE.allowed, look_up=lambda host, port: ["127.0.0.2", "127.0.0.1"])
        assert send(url, addresses=addresses) == 200


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serve() as double:
        assert send(double.url) == 200


def test_an_answer_without_end_is_cut_and_its_status_stands():
    sent = 0

    def send_on(server: socket.socket) -> None:
        nonlocal sent
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n")
            while True:
                sent += connection.send(b"x" * 65_536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        sending = threading.Thread(target=send_on, args=(server,), daemon=True)
        sending.start()
        assert send(f"http://127.0.0.1:{server.getsockname()[1]}/") == 200
        sending.join(timeout=5)
        assert not sending.is_alive()
    assert sent < 20_000_000  # what the sockets hold; read to the deadline it would be thousands of millions


def test_little_that_becomes_much_when_it_is_unpacked_is_not_unpacked():
    with serve() as double:
        double.answer = lambda request: (400, {"Content-Encoding": "gzip"}, b"\x1f\x8b not unpacked")
        assert refusal_of_event(double).endswith("not unpacked")


def refusal_of_event(double: MoogsoftDouble) -> str:
    with pytest.raises(DeliveryError) as caught:
        send(double.url)
    return caught.value.detail
