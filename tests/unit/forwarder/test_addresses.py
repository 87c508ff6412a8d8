"""Which addresses alerts may go to."""

import socket
from ipaddress import ip_network

import pytest

from forwarder.addresses import Addresses, AddressRefusedError, look_up


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "0.1.2.3", "::"),
        *(
            "169.254.169.254",
            "fe80::1",
            "fe80::1%lo",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
        ),
        *("224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    ],
)
def test_this_machine_the_link_what_a_cloud_tells_its_machines_and_what_nobody_has_are_refused(address):
    assert not Addresses().permits(address)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "100.64.0.1", "::ffff:10.1.2.3"),
        *("198.51.100.7", "93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"),
    ],
)
def test_private_networks_and_the_internet_are_permitted(address):
    assert Addresses().permits(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_a_network_that_is_allowed_is_permitted_and_no_other(address):
    addresses = Addresses([ip_network("127.0.0.0/8")])
    assert addresses.permits(address)
    assert not addresses.permits("::1")
    assert not addresses.permits("169.254.169.254")


def test_of_a_name_only_permitted_addresses_are_left():
    addresses = Addresses(look_up=lambda host, port: ["::1", "10.0.0.1", "127.0.0.1", "10.0.0.2"])
    assert addresses.permitted("moogsoft.example", 443) == ["10.0.0.1", "10.0.0.2"]


def test_a_name_that_leads_only_to_what_is_refused_is_refused():
    addresses = Addresses(look_up=lambda host, port: ["169.254.169.254", "::1"])
    with pytest.raises(AddressRefusedError, match="leads to an address that is link-local"):
        addresses.permitted("moogsoft.example", 443)


@pytest.mark.parametrize("spelling", ["127.1", "0x7f000001", "2130706433", "localhost"])
def test_other_spellings_of_an_address_are_looked_up_before_they_are_judged(spelling):
    with pytest.raises(AddressRefusedError):
        Addresses().permitted(spelling, 443)


def test_a_name_that_is_not_known_says_so():
    with pytest.raises(socket.gaierror):
        look_up("moogsoft.invalid", 443)
