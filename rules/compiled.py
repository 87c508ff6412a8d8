"""A rule set as it is matched: one pass over an event finds all rules that match, however many there are.

`matching.py` says what matching means; this is the same, compiled. Texts are found by Aho-Corasick, expressions by sets
of RE2, OIDs by their arcs. Rules of the same text share a group, in which their OIDs and severities are looked up.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import re2
from ahocorasick_rs import BytesAhoCorasick

from rules.alphabet import Alphabet
from rules.event import Event, Severity
from rules.matching import Decision, MatchType, Rule, RuleSet, decision_for
from rules.regex import Translation, alphabet_for, re2_options, regex, translate

logger = logging.getLogger(__name__)

# A set may take so much memory for its automaton, which it builds as texts come; RE2 starts it anew when it is full.
SET_SIZE = 2000
SET_MEMORY = 48 << 20
# Of texts that end with one another (“down”, “is down”, “link is down”), Aho-Corasick reports each wherever the longest
# ends. Beyond so many, which no real rules have, they are left to RE2, which reports each once.
MOST_NESTED = 8
CHUNK = 16_384  # bytes scanned at once, so that no text fills the memory with what is found in it

_Key = tuple[str | None, Severity | None]


class Matcher:
    """One version of the rules, compiled. It is never changed, so threads may share it."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self._ranked = rule_set.by_precedence
        texts: dict[str, _Group] = defaultdict(_Group)
        patterns: dict[str, _Group] = defaultdict(_Group)
        self._without_text = _Group()
        for rank, rule in enumerate(self._ranked):
            if not (rule.match_string or rule.trap_oid or rule.syslog_severity) or (rule.trap_oid and not rule.oid):
                continue  # it matches nothing
            group = self._without_text
            if rule.match_string:
                is_regex = rule.match_type is MatchType.REGEX
                group = patterns[rule.match_string] if is_regex else texts[rule.folded]
            group.add(rule, rank)
        self._texts = Literals(list(texts))
        self._by_text = list(texts.values())
        self._patterns = PatternSet([translate(pattern) for pattern in patterns])
        self._by_pattern = list(patterns.values())
        self._oids = frozenset(rule.oid for rule in self._ranked if rule.trap_oid)
        self._deepest = max((oid.count(".") + 1 for oid in self._oids), default=0)

    @property
    def version(self) -> int:
        return self.rule_set.version

    def decide(self, event: Event) -> Decision:
        """What `matching.decide` decides."""
        return decision_for(self.winner(event), event, self.rule_set)

    def winner(self, event: Event) -> Rule | None:
        keys = self._keys(event, (None, event.syslog_severity))
        best = len(self._ranked)
        for group in self._groups(event):
            if group.first < best:
                for ranks in group.ranks(keys):
                    best = min(best, ranks[0])
        return self._ranked[best] if best < len(self._ranked) else None

    def candidates(self, event: Event) -> list[Rule]:
        """What `matching.candidates` gives: all that match, the winner first."""
        return self._all(event, (None, event.syslog_severity))

    def but_for_severity(self, event: Event) -> list[Rule]:
        """The rules that would match if the event had another severity, or one at all; they state something else."""
        found = self._all(event, (None, *Severity))
        return [
            rule
            for rule in found
            if rule.syslog_severity not in {None, event.syslog_severity} and (rule.match_string or rule.trap_oid)
        ]

    def _all(self, event: Event, severities: Iterable[Severity | None]) -> list[Rule]:
        keys = self._keys(event, severities)
        ranks = sorted(rank for group in self._groups(event) for found in group.ranks(keys) for rank in found)
        return [self._ranked[rank] for rank in ranks]

    def _groups(self, event: Event) -> list["_Group"]:
        return [
            self._without_text,
            *[self._by_text[found] for found in self._texts.found_in(event.message.casefold())],
            *[self._by_pattern[found] for found in self._patterns.found_in(event.message)],
        ]

    def _keys(self, event: Event, severities: Iterable[Severity | None]) -> Sequence[_Key]:
        oids: list[str | None] = [None]
        if event.trap_oid:
            oids += [oid for oid in _prefixes(event.trap_oid, self._deepest) if oid in self._oids]
        return [(oid, severity) for oid in oids for severity in dict.fromkeys(severities)]


class _Group:
    """Rules of one text condition, by their OID and severity."""

    def __init__(self) -> None:
        self._by_key: dict[_Key, list[int]] = {}
        self.first = 0

    def add(self, rule: Rule, rank: int) -> None:
        """Add a rule; they come in the order of their ranks."""
        if not self._by_key:
            self.first = rank
        key = (rule.oid if rule.trap_oid else None, rule.syslog_severity)
        self._by_key.setdefault(key, []).append(rank)

    def ranks(self, keys: Sequence[_Key]) -> list[list[int]]:
        return [self._by_key[key] for key in keys if key in self._by_key]


def _prefixes(oid: str, deepest: int) -> Iterator[str]:
    """The OID's beginnings of at most so many arcs, the shortest first."""
    place = -1
    for _ in range(deepest):
        place = oid.find(".", place + 1)
        if place < 0:
            yield oid
            return
        yield oid[:place]


class Literals:
    """Distinct texts that are looked for all at once."""

    def __init__(self, texts: Sequence[str]) -> None:
        nested = [text for text, depth in _nesting(texts) if depth >= MOST_NESTED]
        places = {text: place for place, text in enumerate(texts)}
        deep = set(nested)
        self._plain = [text.encode("utf-8", "surrogatepass") for text in texts if text not in deep]
        self._plain_places = [places[text] for text in texts if text not in deep]
        self._automaton = BytesAhoCorasick(self._plain) if self._plain else None
        self._longest = max(map(len, self._plain), default=0)
        self._nested = PatternSet([Translation.of_text(text) for text in nested])
        self._nested_places = [places[text] for text in nested]

    def found_in(self, text: str) -> set[int]:
        """The places of those texts that are in this one."""
        found = {self._nested_places[place] for place in self._nested.found_in(text)} if self._nested_places else set()
        if self._automaton is not None:
            raw = text.encode("utf-8", "surrogatepass")
            for begin in range(0, len(raw) or 1, CHUNK):
                piece = raw[begin : begin + CHUNK + self._longest - 1]
                hits = self._automaton.find_matches_as_indexes(piece, overlapping=True)
                if hits:
                    found.update([self._plain_places[place] for place in {hit[0] for hit in hits}])
        return found


def _nesting(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each text with the number of others that it ends with."""
    within: list[str] = []
    for reverse in sorted(text[::-1] for text in texts):
        while within and not reverse.startswith(within[-1]):
            within.pop()
        yield reverse[::-1], len(within)
        within.append(reverse)


class PatternSet:
    """Distinct expressions that are looked for all at once, in time linear in the text."""

    def __init__(self, translations: Sequence[Translation], *, size: int = SET_SIZE, memory: int = SET_MEMORY) -> None:
        self._translations = translations
        self._size = size
        self._memory = memory

    def found_in(self, text: str) -> list[int]:
        """The places of those expressions that are found in the text."""
        if not self._translations:
            return []
        if not text:
            return self._on_empty
        sets, encoded = (self._ascii, text) if text.isascii() else (self._encoded, self._alphabet.encode(text))
        raw = encoded.encode()
        if len(sets) == 1:
            return sets[0].found_in(raw, text)
        return [place for one in sets for place in one.found_in(raw, text)]

    @cached_property
    def _on_empty(self) -> list[int]:
        return [place for place, one in enumerate(self._translations) if one.on_empty]

    @cached_property
    def _alphabet(self) -> Alphabet:
        return alphabet_for(self._translations)

    @cached_property
    def _ascii(self) -> list["_Re2Set"]:
        return self._sets([one.ascii for one in self._translations])

    @cached_property
    def _encoded(self) -> list["_Re2Set"]:
        return self._sets([one.encoded(self._alphabet) for one in self._translations])

    def _sets(self, sources: Sequence[str]) -> list["_Re2Set"]:
        originals = {place: one.pattern for place, one in enumerate(self._translations)}
        return [
            made
            for begin in range(0, len(sources), self._size)
            for made in _compiled(list(enumerate(sources))[begin : begin + self._size], originals, self._memory)
        ]


def _compiled(numbered: list[tuple[int, str]], originals: Mapping[int, str], memory: int) -> Iterator["_Re2Set"]:
    """A set of all of these, or several smaller ones where they are too large for the memory."""
    one_set = re2.Set.SearchSet(re2_options(memory))
    one_set.Add("")
    try:
        for _, source in numbered:
            one_set.Add(source)
        one_set.Compile()
    except re2.error:
        if len(numbered) == 1:
            yield _Re2Set(None, [numbered[0][0]], originals)
            return
        half = len(numbered) // 2
        yield from _compiled(numbered[:half], originals, memory)
        yield from _compiled(numbered[half:], originals, memory)
        return
    yield _Re2Set(one_set, [place for place, _ in numbered], originals)


class _Re2Set:
    """An RE2::Set whose first expression, which all texts match, tells whether the answer can be believed.

    RE2 gives up where its memory does not suffice, and its Python binding answers then as if nothing matched.
    """

    def __init__(self, compiled: "re2.Set | None", places: list[int], originals: Mapping[int, str]) -> None:
        self._set = compiled
        self._places = places
        self._originals = originals

    def found_in(self, raw: bytes, text: str) -> list[int]:
        """The places of what is found in the text, which is `raw` as these expressions want it."""
        found = self._set.Match(raw) if self._set is not None else None
        if found == [0]:
            return []
        if found:
            return [self._places[number - 1] for number in found if number]
        if self._set is not None:
            logger.warning("a set of %s expressions ran out of memory: each is tried by itself", len(self._places))
        return [place for place in self._places if regex(self._originals[place]).search(text)]
