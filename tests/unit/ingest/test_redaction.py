"""SNMP communities are taken out of everything, secrets out of what is kept in quarantine; the rest stays as it is."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.redaction import redact, redact_secrets, redact_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('.1.3.6.1.6.3.18.1.4.0 "lan-7"\n.1.3.6.1 x', '.1.3.6.1.6.3.18.1.4.0 "***"\n.1.3.6.1 x'),
        ("1.3.6.1.6.3.18.1.4.0 lan-7", "1.3.6.1.6.3.18.1.4.0 ***"),
        ('iso.3.6.1.6.3.18.1.4.0 = STRING: "lan \\"7"', 'iso.3.6.1.6.3.18.1.4.0 = STRING: "***"'),
        ('SNMP-COMMUNITY-MIB::snmpTrapCommunity.0 "lan-7"', 'SNMP-COMMUNITY-MIB::snmpTrapCommunity.0 "***"'),
        ("x TRAP, SNMP v1, community lan-7#012#011iso.3.6", "x TRAP, SNMP v1, community ***#012#011iso.3.6"),
        ("snmp-server community lan-7 RO", "snmp-server community *** RO"),
        ("SNMP community string: 'lan 7' is wrong", "SNMP community string: *** is wrong"),
        (
            "logged command:snmp-server host 192.0.2.1 version 2c lan-7 bgp",
            "logged command:snmp-server host 192.0.2.1 version 2c *** bgp",
        ),
        ("snmp-server host 192.0.2.1 lan-7", "snmp-server host 192.0.2.1 ***"),
        ("snmp-agent community read cipher lan-7 acl 1", "snmp-agent community read cipher *** acl 1"),
        ("set snmp community lan-7 authorization read-only", "set snmp community *** authorization read-only"),
        ("/etc/snmp/snmpd.conf: rocommunity lan-7 10.0.0.0/8", "/etc/snmp/snmpd.conf: rocommunity *** 10.0.0.0/8"),
        ("com2sec notme 10.0.0.0/8 lan-7", "com2sec notme 10.0.0.0/8 ***"),
        ("CMD: snmpwalk -v2c -c lan-7 192.0.2.1", "CMD: snmpwalk -v2c -c *** 192.0.2.1"),
    ],
)
def test_a_community_is_taken_out_of_a_text(text, kept):
    assert redact_text(text) == kept
    assert redact_text(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "BGP community 65000:100 was set",
        "the community of users grows",
        "SNMP authentication failure from 192.0.2.1",
        "snmp-server host 192.0.2.1 version 3 priv",
        "snmp-server host 192.0.2.1 vrf",
        '.1.3.6.1.6.3.18.1.3.0 "192.0.2.1"',
        "",
    ],
)
def test_what_is_no_snmp_community_stays(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"community": "lan-7", "n": 1}, {"community": "***", "n": 1}),
        ({"snmp_community": "lan-7", "communityString": "x"}, {"snmp_community": "***", "communityString": "***"}),
        (
            {"varbinds": [{"oid": ".1.3.6.1.6.3.18.1.4.0", "value": "x"}]},
            {"varbinds": [{"oid": ".1.3.6.1.6.3.18.1.4.0", "value": "***"}]},
        ),
        ({"varbinds": {"1.3.6.1.6.3.18.1.4.0": "x"}}, {"varbinds": {"1.3.6.1.6.3.18.1.4.0": "***"}}),
        (
            [{"name": "SNMP-COMMUNITY-MIB::snmpTrapCommunity.0", "value": 7}],
            [{"name": "SNMP-COMMUNITY-MIB::snmpTrapCommunity.0", "value": "***"}],
        ),
        ({"a": [{"message": "snmp-server community x RW"}]}, {"a": [{"message": "snmp-server community *** RW"}]}),
    ],
)
def test_a_community_is_taken_out_of_a_json_value_wherever_it_is(value, kept):
    assert redact(value) == kept
    assert redact(kept) is kept


def test_communities_of_bgp_stay_whatever_their_key_is_called():
    value = {"community": "65000:100", "communities": ["65000:1"], "bgp": {"community": "1:2 3:4"}}
    assert redact(value) is value


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2", "x": 1}',
        '{"Password": "hun\\"hunter2", "x": 1}',
        '{"api_key": "hunter2"}',
        '{"auth_token":"hunter2"}',
        '{"inner": "{\\"token\\": \\"hunter2\\"}"}',
        "user=me&password=hunter2&x=1",
        "Authorization: Bearer hunter2hunter2",
        "authorization: basic hunter2",
        "token: hunter2\n",
        "mutt_hunter2hunter2hunter2hunter2",
        "whsec_hunter2hunter2hunter2hunter2",
        'SNMP v2c, community "hunter2"',
        '{"credential-id": "hunter2',
        "node=core-1&message=snmp-server+community+hunter2+RO",
        "message=snmp-server%20community%20hunter2%20RO&node=core-1",
        "message=SNMP+community+string%3A+%27hunter2%27",
        "message=com2sec+notme+10.0.0.0%2F8+hunter2",
        "a=1\nmessage=login+with+password%3A+hunter2",
        '{"form": "message=snmp-server+community+hunter2"}',
    ],
)
def test_a_secret_is_taken_out_of_what_is_kept(text):
    kept = redact_secrets(text)
    assert "hunter2" not in kept
    assert "***" in kept
    assert redact_secrets(kept) == kept


@pytest.mark.parametrize(
    "text", ["a tokenless text", "", '{"hostname": "h", "message": "interface down"}', "passage=1"]
)
def test_what_holds_no_secret_stays(text):
    assert redact_secrets(text) == text


def test_the_rest_of_a_form_stays_as_it_was_sent():
    kept = redact_secrets("a=1%2B1&message=%3C+snmp-server+community+lan-7+RO&Acknowledged=no+%26+never")
    assert kept == "a=1%2B1&message=%3C+snmp-server+community+***+RO&Acknowledged=no+%26+never"


WORDS = st.sampled_from(["password", "token", "a", "community", "hostname", "api_key", "snmpTrapCommunity.0"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_was_json_stays_json_and_a_second_time_changes_nothing(value):
    once = redact(value)
    assert redact(once) == once
    kept = redact_secrets(json.dumps(value))
    json.loads(kept)
    assert redact_secrets(kept) == kept


@pytest.mark.parametrize(
    "hostile",
    [
        "snmp community " * 5000,
        "snmp" * 16_000 + "community",
        '"password"' * 7000,
        '{"password":"' + "\\" * 60_000,
        "a." * 30_000 + "password=",
        '.1.3.6.1.6.3.18.1.4.0 "' + "\\a" * 30_000,
        ("communit" + " " * 60) * 900,
        "community=+" * 8000,
        "snmp+community=" * 5000,
        "message=" + "snmp+community+" * 5000,
        "1:1," * 16_000,
    ],
)
@pytest.mark.timeout(5)
def test_hostile_texts_take_no_long_time(hostile):
    redact_secrets(hostile)
    redact({"community": hostile})


@pytest.mark.timeout(120)  # hours where the time grows with the square of the length, or worse
@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [
        ("snmp community", " ", '"'),
        ("password", "a", "!"),
        ('"token"', " ", "!"),
        ("1.3.6.1.6.3.18.1.4", " 1.3.6.1.6.3.18.1.4", ' "'),
        ("", "111:111", "!"),
        ("snmpwalk ", "-v 2c ", "!"),
        ("", "snmp-server host a ", "!"),
    ],
)
def test_hostile_texts_take_no_more_than_their_length(start, repeated, end):
    text = start + repeated * (1_000_000 // len(repeated)) + end
    redact_secrets(text)
    redact({"community": text})
