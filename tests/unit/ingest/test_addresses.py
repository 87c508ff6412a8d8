"""The client's address: forwarded headers count only as far as our own proxies have written them."""

from ipaddress import ip_network

import pytest
from django.test import RequestFactory

from ingest.addresses import UNKNOWN, address_of, network_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")]


@pytest.fixture(autouse=True)
def trusted(settings):
    settings.MUTT_TRUSTED_PROXIES = PROXIES


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # a stranger may say what it likes
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", "198.51.100.9"),  # the left one is what the client has sent
        ("10.0.0.1", "6.6.6.6, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("10.0.0.1", "[2001:db8:9::1]:4711", "2001:db8:9::1"),
        ("10.0.0.1", "2001:db8:9::1, 2001:db8:1::2", "2001:db8:9::1"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "::ffff:198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, ", "10.0.0.1"),
        ("10.0.0.1", "' OR 1=1", "10.0.0.1"),
        ("", "198.51.100.9", UNKNOWN),  # a Unix socket
    ],
)
def test_the_first_from_the_right_that_is_no_proxy_of_ours_is_the_client(peer, forwarded, expected):
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=peer, **headers)) == expected


def test_addresses_of_one_ipv6_network_count_as_one():
    assert network_of("2001:db8:9:1::1") == network_of("2001:db8:9:1:ffff::2") != network_of("2001:db8:9:2::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of(UNKNOWN) == UNKNOWN
