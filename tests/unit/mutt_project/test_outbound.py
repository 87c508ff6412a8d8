"""What is refused before MUTT starts: addresses that alerts must not go to, and certificates of no use."""

from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured

from forwarder.addresses import Addresses
from mutt_project.settings.environment import networks
from mutt_project.settings.outbound import check_certificates, moogsoft_url
from tests.certificates import Certificates


def refusal(url: str, *, allow_http: bool = False) -> str:
    with pytest.raises(ImproperlyConfigured, match=r"^MOOGSOFT_URL cannot be used: .*docs/network\.md") as caught:
        moogsoft_url(url, allow_http=allow_http, addresses=Addresses())
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.moogsoft.ai/v1/integrations/events",
        "https://10.1.2.3:8443/",
        "https://[fd12::1]/events?graze=1",
        "https://moogsoft",
    ],
)
def test_an_https_address_on_the_internet_or_a_private_network_is_taken(url):
    assert moogsoft_url(url, allow_http=False, addresses=Addresses()) == url


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("http://moogsoft.example/", "MOOGSOFT_ALLOW_HTTP"),
        ("https://someone:hunter2@moogsoft.example/", "MOOGSOFT_API_KEY"),
        ("https://hunter2@moogsoft.example/", "MOOGSOFT_API_KEY"),
        ("https://moogsoft.example/#hunter2", "Take it out"),
        ("https://127.0.0.1/", "MOOGSOFT_ALLOWED_NETWORKS"),
        ("https://169.254.169.254/latest", "MOOGSOFT_ALLOWED_NETWORKS"),
        ("https://[::ffff:127.0.0.1]/", "MOOGSOFT_ALLOWED_NETWORKS"),
        ("ftp://moogsoft.example/", "https://api"),
        ("moogsoft.example/hunter2", "https://api"),
        ("https:///hunter2", "https://api"),
        ("https://moogsoft.example:99999/", "https://api"),
        ("https://moogsoft.example:0/", "https://api"),
        ("https://[::1/", "https://api"),
        ("https://moogsoft.example/a b", "https://api"),
        ("https://moogsoft.example/\r\nX: y", "https://api"),
    ],
)
def test_any_other_address_is_refused_with_what_to_do_and_is_not_repeated(url, mend):
    told = refusal(url)
    assert mend in told
    assert "hunter2" not in told


def test_what_is_allowed_on_purpose_is_taken():
    here = Addresses(networks("127.0.0.0/8, ::1/128"))
    assert moogsoft_url("http://127.0.0.1:8/", allow_http=True, addresses=here)
    assert moogsoft_url("http://[::1]:8/", allow_http=True, addresses=here)
    assert "MOOGSOFT_ALLOWED_NETWORKS" in refusal("http://127.0.0.1:8/", allow_http=True)


def test_networks_are_read_and_what_is_none_is_refused():
    assert networks("127.0.0.0/8,10.0.0.1") == [ip_network("127.0.0.0/8"), ip_network("10.0.0.1/32")]
    for wrong in ("127.0.0.1/8", "localhost", "10.0.0.0/33"):
        with pytest.raises(ValueError, match="is no address or network"):
            networks(wrong)


def test_certificates_that_are_of_no_use_are_named_before_the_start(tmp_path):
    made, other = Certificates(tmp_path), tmp_path / "nothing.pem"
    other.write_text("no certificate")
    good = (str(made.client.cert), str(made.client.key))
    check_certificates("MOOGSOFT", str(made.ca), *good)
    check_certificates("MOOGSOFT", None, None, None)
    for files, words in [
        ((str(other), None, None), "nothing.pem holds no certificate"),
        ((str(tmp_path / "away.pem"), None, None), "away.pem holds no certificate.*No such file"),
        ((None, good[0], str(made.right.key)), "client.pem and .*right.key are no certificate with its key"),
        ((None, good[0], None), "client.pem are no certificate with its key"),
        ((None, None, good[1]), "is a key without its certificate"),
    ]:
        with pytest.raises(ImproperlyConfigured, match=f"^MOOGSOFT_CA_FILE, .*{words}"):
            check_certificates("MOOGSOFT", *files)
