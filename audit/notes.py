"""What was noticed about an event while it was brought into canonical form. It is kept with the record."""

from enum import StrEnum


class Note(StrEnum):
    """The code that is kept; `sentence` says it to people."""

    TIMESTAMP_MISSING = "timestamp_missing"
    TIMESTAMP_UNREADABLE = "timestamp_unreadable"
    TIMESTAMP_WITHOUT_ZONE = "timestamp_without_zone"
    TIMESTAMP_WITHOUT_YEAR = "timestamp_without_year"
    CLOCK_SKEW = "clock_skew"
    INVALID_UTF8 = "invalid_utf8"
    SEVERITY_UNKNOWN = "severity_unknown"
    HOSTNAME_FROM_SENDER = "hostname_from_sender"
    HOSTNAME_FROM_LABEL = "hostname_from_label"
    HOSTNAME_UNKNOWN = "hostname_unknown"
    REDACTED = "redacted"
    PLACEHOLDER = "placeholder"
    BROKEN_JSON = "broken_json"
    TRUNCATED = "truncated"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Note.TIMESTAMP_MISSING: "It tells no time: the time of receipt is used.",
    Note.TIMESTAMP_UNREADABLE: "Its timestamp cannot be read: the time of receipt is used.",
    Note.TIMESTAMP_WITHOUT_ZONE: "Its timestamp names no time zone: the assumed one is used (MUTT_ASSUMED_TIME_ZONE).",
    Note.TIMESTAMP_WITHOUT_YEAR: "Its timestamp names no year: the latest that is not in the future is used.",
    Note.CLOCK_SKEW: "Its clock differs from the time of receipt by more than a day.",
    Note.INVALID_UTF8: "It held bytes that are not UTF-8; they are shown as \N{REPLACEMENT CHARACTER}.",
    Note.SEVERITY_UNKNOWN: "Its severity is spelled in no known way, so it has none.",
    Note.HOSTNAME_FROM_SENDER: "It names no host: the address that it came from is used.",
    Note.HOSTNAME_FROM_LABEL: "No label names a host: the closest other label is used.",
    Note.HOSTNAME_UNKNOWN: "It says that it does not know its host (“-”, RFC 5424), and nothing else tells.",
    Note.REDACTED: "A secret in it, such as an SNMP community, was taken out.",
    Note.PLACEHOLDER: "A variable of its sender's template was not filled in; that field counts as absent.",
    Note.BROKEN_JSON: "Its JSON was broken by unescaped values; the fields were read all the same.",
    Note.TRUNCATED: "Its sender left some alerts out for length.",
}
