"""Names of OIDs that net-snmp prints where it knows a MIB: the roots, IETF's own notifications, and what is loaded.

snmptrapd prints numbers with `-On`; that is what ops/snmptrapd sets up. This is for traps that come by other ways.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from rules.event import oid_of, oid_within

_ROOTS = {
    "iso": "1",
    "org": "1.3",
    "dod": "1.3.6",
    "internet": "1.3.6.1",
    "directory": "1.3.6.1.1",
    "mgmt": "1.3.6.1.2",
    "mib-2": "1.3.6.1.2.1",
    "transmission": "1.3.6.1.2.1.10",
    "experimental": "1.3.6.1.3",
    "private": "1.3.6.1.4",
    "enterprises": "1.3.6.1.4.1",
    "security": "1.3.6.1.5",
    "snmpV2": "1.3.6.1.6",
    "snmpModules": "1.3.6.1.6.3",
    "zeroDotZero": "0.0",
}
# SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863), SNMP-COMMUNITY-MIB (RFC 3584)
_GENERIC = {
    "snmpTraps": "1.3.6.1.6.3.1.1.5",
    "coldStart": "1.3.6.1.6.3.1.1.5.1",
    "warmStart": "1.3.6.1.6.3.1.1.5.2",
    "linkDown": "1.3.6.1.6.3.1.1.5.3",
    "linkUp": "1.3.6.1.6.3.1.1.5.4",
    "authenticationFailure": "1.3.6.1.6.3.1.1.5.5",
    "egpNeighborLoss": "1.3.6.1.6.3.1.1.5.6",
    "sysUpTime": "1.3.6.1.2.1.1.3",
    "sysUpTimeInstance": "1.3.6.1.2.1.1.3.0",
    "snmpTrapOID": "1.3.6.1.6.3.1.1.4.1",
    "snmpTrapEnterprise": "1.3.6.1.6.3.1.1.4.3",
    "snmpTrapAddress": "1.3.6.1.6.3.18.1.3",
    "snmpTrapCommunity": "1.3.6.1.6.3.18.1.4",
    "ifIndex": "1.3.6.1.2.1.2.2.1.1",
    "ifDescr": "1.3.6.1.2.1.2.2.1.2",
    "ifType": "1.3.6.1.2.1.2.2.1.3",
    "ifAdminStatus": "1.3.6.1.2.1.2.2.1.7",
    "ifOperStatus": "1.3.6.1.2.1.2.2.1.8",
    "ifName": "1.3.6.1.2.1.31.1.1.1.1",
    "ifAlias": "1.3.6.1.2.1.31.1.1.1.18",
}
_IETF = {
    # BGP4-MIB (RFC 4273; the two under bgpTraps are RFC 1657's), which nodes print under either
    "bgpEstablishedNotification": "1.3.6.1.2.1.15.0.1",
    "bgpBackwardTransNotification": "1.3.6.1.2.1.15.0.2",
    "bgpEstablished": "1.3.6.1.2.1.15.7.1",
    "bgpBackwardTransition": "1.3.6.1.2.1.15.7.2",
    # OSPF-TRAP-MIB (RFC 4750)
    "ospfVirtIfStateChange": "1.3.6.1.2.1.14.16.2.1",
    "ospfNbrStateChange": "1.3.6.1.2.1.14.16.2.2",
    "ospfVirtNbrStateChange": "1.3.6.1.2.1.14.16.2.3",
    "ospfIfConfigError": "1.3.6.1.2.1.14.16.2.4",
    "ospfVirtIfConfigError": "1.3.6.1.2.1.14.16.2.5",
    "ospfIfAuthFailure": "1.3.6.1.2.1.14.16.2.6",
    "ospfVirtIfAuthFailure": "1.3.6.1.2.1.14.16.2.7",
    "ospfIfRxBadPacket": "1.3.6.1.2.1.14.16.2.8",
    "ospfVirtIfRxBadPacket": "1.3.6.1.2.1.14.16.2.9",
    "ospfTxRetransmit": "1.3.6.1.2.1.14.16.2.10",
    "ospfVirtIfTxRetransmit": "1.3.6.1.2.1.14.16.2.11",
    "ospfOriginateLsa": "1.3.6.1.2.1.14.16.2.12",
    "ospfMaxAgeLsa": "1.3.6.1.2.1.14.16.2.13",
    "ospfLsdbOverflow": "1.3.6.1.2.1.14.16.2.14",
    "ospfLsdbApproachingOverflow": "1.3.6.1.2.1.14.16.2.15",
    "ospfIfStateChange": "1.3.6.1.2.1.14.16.2.16",
    # BRIDGE-MIB (RFC 4188), RMON-MIB (RFC 2819), ENTITY-MIB (RFC 6933), UPS-MIB (RFC 1628)
    "newRoot": "1.3.6.1.2.1.17.0.1",
    "topologyChange": "1.3.6.1.2.1.17.0.2",
    "risingAlarm": "1.3.6.1.2.1.16.0.1",
    "fallingAlarm": "1.3.6.1.2.1.16.0.2",
    "entConfigChange": "1.3.6.1.2.1.47.2.0.1",
    "upsTrapOnBattery": "1.3.6.1.2.1.33.2.1",
    "upsTrapTestCompleted": "1.3.6.1.2.1.33.2.2",
    "upsTrapAlarmEntryAdded": "1.3.6.1.2.1.33.2.3",
    "upsTrapAlarmEntryRemoved": "1.3.6.1.2.1.33.2.4",
    # ENTITY-STATE-MIB (RFC 4268), VRRP-MIB (RFC 2787), LLDP-MIB (IEEE 802.1AB), DISMAN-EVENT-MIB (RFC 2981)
    "entStateOperEnabled": "1.3.6.1.2.1.131.0.1",
    "entStateOperDisabled": "1.3.6.1.2.1.131.0.2",
    "vrrpTrapNewMaster": "1.3.6.1.2.1.68.0.1",
    "vrrpTrapAuthFailure": "1.3.6.1.2.1.68.0.2",
    "lldpRemTablesChange": "1.0.8802.1.1.2.0.0.1",
    "mteTriggerFired": "1.3.6.1.2.1.88.2.0.1",
    "mteTriggerRising": "1.3.6.1.2.1.88.2.0.2",
    "mteTriggerFalling": "1.3.6.1.2.1.88.2.0.3",
    "mteTriggerFailure": "1.3.6.1.2.1.88.2.0.4",
    "mteEventSetFailure": "1.3.6.1.2.1.88.2.0.5",
}
# Vendors use the same names for traps of their own: a name with its module counts in these only.
_SMI = {"SNMPv2-SMI", "RFC1155-SMI", "RFC1065-SMI"}
_MODULES = {
    *("SNMPv2-MIB", "RFC1213-MIB", "IF-MIB", "SNMP-COMMUNITY-MIB", "BGP4-MIB", "OSPF-TRAP-MIB", "BRIDGE-MIB"),
    *("RMON-MIB", "ENTITY-MIB", "ENTITY-STATE-MIB", "UPS-MIB", "VRRP-MIB", "LLDP-MIB", "DISMAN-EVENT-MIB"),
}
_NUMBERS = re.compile(r"(?:\.(?:0|[1-9]\d*+))*+", re.ASCII)
_NAME = re.compile(
    r"(?:(?P<module>[A-Za-z][\w-]*+)::)?(?P<path>[A-Za-z][\w-]*+(?:\.[A-Za-z][\w-]*+)*+)(?P<rest>(?:\.\d++)*+)",
    re.ASCII,
)
_LINE = re.compile(r'"?(?P<name>[\w:-]+)"?\s+"?(?P<oid>\.?[\d.]+)"?', re.ASCII)

_STANDARD = {**_ROOTS, **_GENERIC, **_IETF}
_loaded: dict[str, str] = {}
_names: dict[str, str] = {oid: name for name, oid in {**_GENERIC, **_IETF}.items()}


def numeric(text: str) -> str | None:
    """The OID that a number or a name such as `IF-MIB::linkDown` or `SNMPv2-SMI::enterprises.9.1` stands for."""
    text = text.strip()
    oid = oid_of(text)
    if oid:
        return oid
    found = _NAME.fullmatch(text.removeprefix("."))
    if not found:
        return None
    base = _oid_of_path(found["path"].split("."), found["module"])
    return oid_of(base + found["rest"]) if base and _NUMBERS.fullmatch(found["rest"]) else None


def _oid_of_path(path: Sequence[str], module: str | None) -> str | None:
    """The OID of the last name, if it lies within those before it, as `snmptrapd -Of` prints them."""
    base: str | None = None
    for name in path:
        within, base = base, _oid_of_name(name, module if name == path[0] else None)
        if base is None or (within and not oid_within(base, within)):
            return None
    return base


def _oid_of_name(name: str, module: str | None) -> str | None:
    loaded = _loaded.get(f"{module}::{name}", _loaded.get(name))
    is_standard = module is None or module in (_SMI if name in _ROOTS else _MODULES)
    return _STANDARD.get(name, loaded) if is_standard else loaded


def name_of(oid: str) -> str | None:
    """The short name of a notification or object, without its index; None for an OID that has none here."""
    return _names.get(oid)


def load_names(path: Path) -> int:
    """Add names from a file; returns how many. Raises ValueError with the line that cannot be read.

    Lines are as `snmptranslate -Tz -m ALL` prints them (`"linkDown" "1.3.6.1.6.3.1.1.5.3"`), or `MODULE::name OID`.
    A name without module that has two OIDs is left out, for a wrong OID is worse than none.
    """
    read: dict[str, str] = {}
    ambiguous: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        oid = oid_of(found["oid"]) if found else None
        if not found or not oid:
            raise ValueError(f'{path}, line {number}: “{text[:80]}” is not like "linkDown" "1.3.6.1.6.3.1.1.5.3".')
        if read.setdefault(found["name"], oid) != oid:
            ambiguous.add(found["name"])
    added = {name: oid for name, oid in read.items() if name not in ambiguous and name not in _STANDARD}
    _loaded.update(added)
    _names.update({oid: name.rpartition("::")[2] for name, oid in added.items()})
    return len(added)
