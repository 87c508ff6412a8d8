"""From an event that no rule matched to the beginning of a rule for its kind."""

from typing import Any

from rules.matching import MatchType
from rules.signature import constant_parts

_ENOUGH = 12  # characters that tell one kind of message from another
_AROUND = " \t,;:./-"
_LONGEST_NAME = 60
_LONGEST_TEXT = 1000  # of a rule's match_string


def rule_for(message: str, trap_oid: str) -> dict[str, Any]:
    """Fields of a rule that matches this event and those like it; somebody has to look it over and complete it.

    Of the message it takes the longest part that does not vary from one occurrence to the next.
    """
    longest = max((part.strip(_AROUND) for part in constant_parts(message)), key=len, default="")
    text = longest if len(longest) >= _ENOUGH or not message.strip() else message.strip()
    fields: dict[str, Any] = {"match_type": MatchType.CONTAINS.value, "match_string": text[:_LONGEST_TEXT].strip()}
    if trap_oid:
        fields = {"match_type": MatchType.OID_PREFIX.value, "trap_oid": trap_oid, "match_string": ""}
    name = fields["match_string"] or f"Trap {trap_oid}"
    return {**fields, "name": name[:_LONGEST_NAME].strip()}
