"""What must not be kept: SNMP communities anywhere, and in quarantine all that looks like a secret."""

import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus

HIDDEN = "***"

# snmpTrapCommunity.0, by number or by name, in what snmptrapd writes.
_VARBIND = re.compile(
    r"((?:\.?(?:1|iso)\.3\.6\.1\.6\.3\.18\.1\.4(?:\.0)?|snmpTrapCommunity(?:\.0)?)(?: = | ?: ?|[ \t]+|=)(?:STRING: )?)"
    r'(?!\*\*\*)("(?:[^"\\]|\\.)*"|[^\s",}#]+)'
)
# “TRAP, SNMP v1, community public”, “snmp-server community public RO”, “SNMP community string: public”.
_MENTIONED = re.compile(
    r"(snmp(?!-agent\b)[^\r\n]{0,60}?\bcommunit(?:y|ies)(?:[ _-]?(?:string|name))?(?: is)?\s{0,9}[ :=]\s{0,9})"
    r"""(?!\*\*\*|(?:string|name)\b)("[^"]*"|'[^']*'|\\"[^"]*\\"|[^\s",;#)]+)""",
    re.IGNORECASE,
)
# Lines of configuration, which devices log: those of Cisco, Huawei, Junos and net-snmp.
_CONFIGURED = re.compile(
    r"(\bsnmp-server host [\w.:%-]{1,60}(?: (?:vrf \S{1,60}|traps?|informs?|version (?:1|2c)))*+ "
    r"(?!(?:version|vrf|udp-port|traps?|informs?)\b)|\bsnmp-agent community (?:read |write )?+(?:cipher |simple )?+"
    r"|\bset snmp community |\b(?:ro|rw|trap)community6? |\bcom2sec6? \S{1,60} {1,20}\S{1,60} {1,20}"
    r"|\bsnmp(?:get|bulk|walk|set|trap|inform|table|status|test|df)\w{0,7} (?:-\w{1,3} ?\w{0,20} ){0,4}-c ?)"
    r"(?!\*\*\*)([^\s\",;]+)"
)
_COMMUNITY_KEY = re.compile(r"(?:snmp)?(?:trap)?(?:ro|rw|read|write)?community(?:string|name)?(?:0)?", re.ASCII)
_BGP = re.compile(r"\d{1,10}(?::\d{1,10}){1,2}(?:[\s,]{1,2}\d{1,10}(?::\d{1,10}){1,2})*+", re.ASCII)
# In every text that the patterns above are for, as people write it; without blanks, which a form spells in other ways.
_HINTS_AT_COMMUNITIES = ("ommunit", "OMMUNIT", "6.3.18.1.4", "snmp", "com2sec")
_HINTS_IN_BYTES = tuple(hint.encode() for hint in _HINTS_AT_COMMUNITIES)
_COMMUNITY_OIDS = ("1.3.6.1.6.3.18.1.4", "iso.3.6.1.6.3.18.1.4")

# Repeats are bounded, for texts may be hostile: all must take linear time.
_SENSITIVE = (
    r"(?:password|passwd|passphrase|secret|token|api[_-]?key|authori[sz]ation|credential|community)[\w.-]{0,40}"
)
_SECRETS = [
    re.compile(rf'({_SENSITIVE}"\s{{0,9}}:\s{{0,9}}")((?:[^"\\]|\\.)*)', re.IGNORECASE | re.DOTALL),
    # JSON within JSON
    re.compile(rf'({_SENSITIVE}\\"\s{{0,9}}:\s{{0,9}}\\")([^"\\]*)', re.IGNORECASE),
    re.compile(rf'({_SENSITIVE}\\?"\s{{0,9}}:\s{{0,9}})(-?[0-9][0-9.eE+-]*)', re.IGNORECASE),
    # key=value and key: value
    re.compile(rf"({_SENSITIVE}\s?[=:]\s?)((?:(?:bearer|basic)\s{{1,9}})?[^\s\"'&,;{{}}\[\]\\]+)", re.IGNORECASE),
    re.compile(r"(\b(?:bearer|basic)\s{1,9})([A-Za-z0-9+/=._~-]{8,})", re.IGNORECASE),
    re.compile(r"()((?:mutt_|whsec_)[A-Za-z0-9_+/=-]{16,})"),
]
_BETWEEN_PAIRS = re.compile(r"([&\s\"{}\\])")
_HINTS_AT_SECRETS = re.compile(
    r"passw|passphrase|secret|token|api[_-]?key|authori|credential|communit|bearer|basic|mutt_|whsec_", re.IGNORECASE
)


def may_hold_communities(body: bytes) -> bool:
    """Whether a body is worth looking through; cheap, for most hold none."""
    return any(hint in body for hint in _HINTS_IN_BYTES)


def redact_text(text: str) -> str:
    """The text without SNMP communities. BGP's communities are none, and stay."""
    if not any(hint in text for hint in _HINTS_AT_COMMUNITIES):
        return text
    return _CONFIGURED.sub(_hide, _MENTIONED.sub(_hide, _VARBIND.sub(_hide, text)))


def redact(value: Any) -> Any:
    """A JSON value without SNMP communities; the same object if it holds none."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        items = [redact(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        return _redacted_object(value)
    return value


def _redacted_object(value: dict[str, Any]) -> dict[str, Any]:
    named = any(_is_community(value.get(name)) for name in ("oid", "name"))
    changed = False
    result = {}
    for name, item in value.items():
        secret = (_is_community(name) or (named and name == "value")) and _may_be_secret(item)
        new = HIDDEN if secret else redact(item)
        changed = changed or (new is not item and new != item)
        result[name] = new
    return result if changed else value


def _may_be_secret(value: object) -> bool:
    """A text or number that is no community of BGP, such as 65000:100."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    return not _BGP.fullmatch(str(value))


def _is_community(name: object) -> bool:
    if not isinstance(name, str):
        return False
    bare = name.rpartition("::")[2]
    oid = bare.removeprefix(".")
    if oid.startswith(_COMMUNITY_OIDS) and oid.removesuffix(".0").endswith("18.1.4"):
        return True
    return bool(_COMMUNITY_KEY.fullmatch(re.sub(r"[^a-z0-9]", "", bare[:60].lower())))


def redact_secrets(text: str) -> str:
    """A body for the quarantine: without communities, passwords, tokens and keys. What was JSON stays JSON."""
    if not (_HINTS_AT_SECRETS.search(text) or any(hint in text for hint in _HINTS_AT_COMMUNITIES)):
        return text
    return "".join(map(_part_of_form, _BETWEEN_PAIRS.split(_without_secrets(text))))


def _without_secrets(text: str) -> str:
    text = redact_text(text)
    for pattern in _SECRETS:
        text = pattern.sub(_hide, text)
    return text


def _part_of_form(part: str) -> str:
    """One name=value of a form, whose value is looked at as it was before it was encoded."""
    name, equals, value = part.partition("=")
    if not equals or not ("+" in value or "%" in value):
        return part
    text = unquote_plus(value)
    clean = _without_secrets(text)
    return part if clean == text else f"{name}={quote_plus(clean, safe='*')}"


def _hide(found: re.Match[str]) -> str:
    shown, secret = found[1], found[2]
    if secret[:1] == '"' and secret[-1:] == '"':
        return f'{shown}"{HIDDEN}"'
    if secret[:2] == '\\"' and secret[-2:] == '\\"':
        return f'{shown}\\"{HIDDEN}\\"'
    if secret.replace(".", "").lstrip("-").isdigit() and shown.rstrip().endswith('":'):
        return f'{shown}"{HIDDEN}"'
    return f"{shown}{HIDDEN}" if secret else found[0]
