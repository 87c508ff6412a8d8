"""What must not be kept: SNMP communities anywhere, and in quarantine all that looks like a secret.

Texts may be hostile: repeats in the patterns are bounded or possessive, so that all takes linear time.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote_plus, unquote_plus

HIDDEN = "***"
_DEEPEST = 100
_DEEPEST_DOCUMENT = 3  # JSON within a text of JSON within …


def redact_text(text: str) -> str:
    """The text without SNMP communities. BGP's communities are none, and stay."""
    return _cleaned(text, _COMMUNITIES, 0)


def redact(value: Any) -> Any:
    """A JSON value without SNMP communities; the same object if it holds none."""
    return _redacted(value, 0)


def redact_secrets(text: str) -> str:
    """A body for the quarantine: without communities, passwords, tokens and keys. What was JSON stays JSON."""
    return _cleaned(text, _SECRETS, 0)


# --- The names of secrets ---

_COMMUNITY_OID = re.compile(r"(?:[\w-]{1,100}::)?(?:\.?(?:1|iso)\.3\.6\.1\.6\.3\.18\.1\.4|snmpTrapCommunity)(?:\.0)?")
_COMMUNITY_KEY = re.compile(
    r"(?:snmp(?:v?[12]c?)?)?(?:trap)?(?:ro|rw|read|write|readonly|readwrite)?communit(?:y|ies)(?:string|name)?s?0?", re.ASCII
)
_SENSITIVE = r"password|passwd|passphrase|secret|token|api[ _-]?key|authori[sz]ation|credential"
_SENSITIVE_KEY = re.compile(_SENSITIVE, re.IGNORECASE)
# RFC 1997, RFC 4360, RFC 8092, and the well-known ones by name
_BGP = re.compile(
    r"(?:(?:rt|soo|target|origin|large):)?\d{1,10}(?::\d{1,10}){1,2}|no-?export(?:-subconfed)?|no-?advertise|no-?peer"
    r"|local-as|blackhole|graceful-shutdown",
    re.ASCII | re.IGNORECASE,
)
_NAMING, _VALUES = {"oid", "name", "id", "key"}, {"value", "val", "v"}


def _is_community_oid(text: Any) -> bool:
    return isinstance(text, str) and bool(_COMMUNITY_OID.fullmatch(text.strip()[:200]))


def _is_community_key(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    return _is_community_oid(name) or bool(_COMMUNITY_KEY.fullmatch(re.sub(r"[^a-z0-9]", "", name[:60].lower())))


def _is_secret_key(name: Any) -> bool:
    return isinstance(name, str) and (bool(_SENSITIVE_KEY.search(name[:200])) or _is_community_key(name))


def _is_bgp(text: str) -> bool:
    return all(_BGP.fullmatch(part) for part in re.split(r"[\s,;]+", text.strip()))


def _may_be_credentials(text: str) -> bool:
    """Whether what follows “basic” is base64 of name and password (RFC 7617), and no word of a sentence."""
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False


def _may_be_bearer(text: str) -> bool:
    return len(text) >= 8 and not text.isalpha()  # noqa: PLR2004 - “bearer setup failed” is a sentence


# --- What stands before a secret in a text ---

_OID = r"(?:(?<![\d.])\.?(?:1|iso)\.3\.6\.1\.6\.3\.18\.1\.4|snmpTrapCommunity)(?:\.0)?(?![\d.])"
_COMMUNITY = r"communit(?:y|ies)(?:[ _-]?(?:string|name))?(?: is)?"
_IS = r"[ \t]{0,5}[=:][ \t]{0,5}"
# In prose a word may follow “community” that is none.
_NO_COMMUNITY = (
    r"(?!(?:is|from|not|in|for|of|was|were|has|had|to|on|by|at|and|or|with|does|did|mismatch|failed|failure|errors?"
    r"|invalid|wrong|incorrect|unknown|used|received|sent|changed?|changes|configured|configuration|map|list|strings?"
    r"|names?|access|authentication|must|may|should|cannot|could|will|already|removed|added|deleted|set|violation)\b)"
)
_BEFORE_COMMUNITIES = [
    rf"{_OID}(?:{_IS}|[ \t]{{1,8}})(?:(?:STRING|OctetString|OCTET STRING): ?)?",
    rf'{_OID}\\*+",\s{{0,5}}(?:\\*+"[\w -]{{1,30}}\\*+",\s{{0,5}})?(?=\\*+")',  # ["OID", "type", "value"]
    rf'{_OID}\\*+",(?:\s{{0,5}}\\*+"type\\*+":\s{{0,5}}\\*+"[\w -]{{1,30}}\\*+",)?\s{{0,5}}\\*+"(?:value|val|v)\\*+":\s{{0,5}}',
    rf'{_OID}\\*+"\s{{0,5}}:\s{{0,5}}(?=\\*+")',  # {"OID": "value"}
    r'\\*+"[\w. -]{0,20}community[\w. -]{0,10}\\*+"\s{0,5}:\s{0,5}',
    rf"snmp[ _-]?{_COMMUNITY}{_IS}|\bsnmp[^\r\n]{{0,60}}?\b{_COMMUNITY}(?:{_IS}|[ \t](?=\\*+[\"']))",
    rf"\bsnmp[^\r\n]{{0,60}}?\b{_COMMUNITY}[ \t]{{1,5}}{_NO_COMMUNITY}",
    # configurations: of Cisco and its like, of Huawei and H3C, of Junos, of net-snmp
    r"\bsnmp-server community[ \t]+(?:(?:clear|encrypted|\d(?= [^\s]{3,}))[ \t]+)?",
    r"\bsnmp-agent community[ \t]+(?:(?:read|write)[ \t]+)?(?:(?:cipher|simple|plain)[ \t]+)?",
    r"\bsnmp-server host [\w.:%-]{1,60}(?: (?:vrf \S{1,60}|traps?|informs?|version (?:1|2c)))*+ "
    r"(?!(?:version|community|poll|trap|informs?|vrf|use-vrf|\d{1,3}\.\d)\b)",
    r"\bset snmp community ",
    r"\b(?:(?:ro|rw|trap)community6?|(?:auth|snmp)community [\w,]{1,40}|com2sec6? \S{1,60}[ \t]{1,20}\S{1,60})[ \t]{1,20}",
]
_BEFORE_SECRETS = [
    rf"(?:{_SENSITIVE})[\w.-]{{0,40}}\\*+[\"']?{_IS}(?:\\*+[\"'])?(?:(?:bearer|basic|digest|token)[ \t]+(?=[^\s\"']))?",
    r'\\*+"[\w. -]{0,40}(?:password|secret|token|key|credential)[\w. -]{0,40}\\*+"\s{0,5}:\s{0,5}(?=\\*+")',
]
# Where a secret ends is not told by quotes or blanks: “TRAP, SNMP v1, community lan 7#012”, “Hex-STRING: 6C 61 6E”,
# Junos' “SNMP community from A to B (lan-7)”, and keys of our own.
_WHOLE_COMMUNITIES = [
    r"(?:TRAP2?|INFORM), SNMP v\w{1,3}, community (?P<secret>(?:(?!#012|\\[nr])[^\r\n\"])++)",
    rf"{_OID}(?:{_IS}|[ \t]{{1,8}})Hex-STRING: ?(?P<secret>[0-9A-Fa-f]{{2}}(?: [0-9A-Fa-f]{{2}})*+)",
    r"\bSNMP community from \S{1,100} to \S{1,100} \((?P<secret>[^)\r\n]{1,255})\)",
]
_WHOLE_SECRETS = [r"(?P<secret>(?:mutt_[A-Za-z0-9_-]{20,}|whsec_[A-Za-z0-9_+/=-]{16,}))"]
