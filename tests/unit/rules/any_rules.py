"""Rules and events for property tests: few letters, so that they meet."""

from hypothesis import strategies as st

from rules.event import Event, Handling, Severity
from rules.matching import MatchType, Rule, RuleSet

LETTERS = "aAbBsSßſİıKk.é_"
TEXTS = st.one_of(
    st.none(),
    st.text(LETTERS, max_size=5),
    st.sampled_from(["a", "aa", "aaa", "down", "DOWN", "link down", "straße", "STRASSE", "ΣΑΣ", "σας", "\x00", "\n"]),
)
PATTERNS = st.sampled_from(
    [
        *("a", "a+b", r"^a", r"b$", r"\bab\b", r"(?i)AB", ".*", r"\w\W", "[^a]", "(?i)ß", r"\d|é", "a|b|", r"\Bb"),
        *("x{2,3}", "down", "(?:link )+down", "(link|port) down"),
    ]
)
OIDS = st.none() | st.sampled_from(["1", "1.3", "1.30", "1.3.6", "1.3.6.1", ".1.3", "2", "0.0", "1.3.60"])
SEVERITIES = st.none() | st.sampled_from([Severity.ERROR, Severity.INFO, Severity.DEBUG])


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    match_type = draw(st.sampled_from(MatchType))
    return Rule(
        id=number,
        priority=draw(st.integers(1, 3)),
        match_type=match_type,
        prod_handling=draw(st.sampled_from(Handling)),
        dev_handling=Handling.IGNORE,
        match_string=draw(st.none() | PATTERNS) if match_type is MatchType.REGEX else draw(TEXTS),
        trap_oid=draw(OIDS),
        syslog_severity=draw(SEVERITIES),
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    many = [draw(rules(number)) for number in range(draw(st.integers(0, 12)))]
    return RuleSet(1, tuple(draw(st.permutations(many))), frozenset({"lab"}), {"edge": "FIELD"})


EVENTS = st.builds(
    Event,
    hostname=st.sampled_from(["lab", "LAB.", "edge", "other"]),
    message=st.text(f"{LETTERS} xσςΣΑα\n\x001", max_size=12)
    | st.sampled_from(["link down", "LINK DOWN", "Straße", "link link down", "port down"]),
    trap_oid=st.none() | st.sampled_from(["1", "1.3", "1.30", "1.3.6.1.4", "2.5", "0.0", "1.3.60.1"]),
    syslog_severity=SEVERITIES,
)
