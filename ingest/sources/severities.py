"""The words by which other programs tell how bad something is, as severities of syslog."""

from ingest.syslog_lines import MAX_PRI
from rules.event import SEVERITY_SPELLINGS, Severity

# Loggers (log4j, Go, Python, journald, glog), monitoring systems (Alertmanager, Zabbix, X.733, PagerDuty, Opsgenie).
_WORDS = {
    Severity.EMERGENCY: "emergencies disaster",
    Severity.ALERT: "alerts",
    Severity.CRITICAL: "fatal ftl blocker urgent page p0 p1 sev0 sev1 s1 severity1 priority1 highest",
    Severity.ERROR: "eror errors failure failed severe serious major high p2 sev2 s2 severity2 priority2",
    Severity.WARNING: "warnings wrn caution minor medium moderate average degraded p3 sev3 s3 severity3 priority3",
    Severity.NOTICE: "notices notification notifications low p4 sev4 s4 severity4 priority4",
    Severity.INFO: "information inf informative ok okay none normal success clear cleared resolved lowest"
    " p5 sev5 s5 severity5 priority5",
    Severity.DEBUG: "dbg debugging trace verbose fine finer finest diagnostic",
}
_SPELLINGS: dict[str, Severity] = {
    **{word: severity for severity, words in _WORDS.items() for word in words.split()},
    **SEVERITY_SPELLINGS,
}
_BETWEEN = str.maketrans("", "", " -_.:#")
_LONGEST = 40


def severity_from_word(value: object) -> Severity | None:
    """The severity that a word of any program or a number 0-7 stands for, in any case; None for anything else."""
    if isinstance(value, str) and value in _SPELLINGS:
        return _SPELLINGS[value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or not _is_short(value):
        return None
    word = str(value).strip().lower()
    found = _SPELLINGS.get(word)
    return _SPELLINGS.get(word.translate(_BETWEEN)) if found is None and word[:1].isalpha() else found


def severity_from_pri(value: object) -> Severity | None:
    """The severity of a PRI (RFC 5424 §6.2.1): 0-191 as a number or text, `<134>`, `local0.info`."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not _is_short(value):
        return None
    text = str(value).strip()
    facility, dot, word = text.partition(".")
    if dot and facility.isalnum():
        return severity_from_word(word.partition("<")[0])  # rsyslog's pri-text may end in `<134>`
    number = text.removeprefix("<").removesuffix(">")
    if not (number.isascii() and number.isdigit() and int(number) <= MAX_PRI):
        return None
    return severity_from_word(int(number) % 8)


def _is_short(value: str | int) -> bool:
    """Neither a text nor a number that is expensive to look at, or cannot be written as a text at all."""
    return len(value) <= _LONGEST if isinstance(value, str) else abs(value) < 10**_LONGEST
