"""Where every event of a run is: what the sender saw accepted, what MUTT's ledger says, what came to the sink."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.bench.load import Sent
from ops.bench.mix import Corpus, Expected

TERMS = {Expected.FORWARDED: "delivered", Expected.IGNORED: "ignored", Expected.UNMATCHED: "unmatched"}


@dataclass(frozen=True, slots=True)
class Account:
    """A run's events. `ledger` has the difference of each term over the run, `distinct` and `came` the sink's."""

    corpus: Corpus
    sent: Sent
    ledger: Mapping[str, int]
    distinct: int
    came: int
    invalid: int
    strangers: int  # that came and are not recorded as delivered, or the other way round

    def faults(self) -> list[str]:
        """Sentences, one for each thing that does not add up."""
        return list(self._faults())

    def _faults(self) -> Iterator[str]:
        corpus, sent, ledger = self.corpus, self.sent, self.ledger
        if sent.refused or sent.broken:
            yield f"{sent.refused} requests were refused and {sent.broken} got no answer, of {corpus.bodies}"
        low, high = sent.accepted * corpus.batch, (sent.accepted + sent.broken) * corpus.batch
        if not low <= ledger["accepted"] <= high:  # of a request without an answer nobody knows whether it was taken
            yield f"the sender saw {low} events accepted, the ledger says {ledger['accepted']}"
        outcomes = sum(ledger[term] for term in ("delivered", "ignored", "unmatched", "suppressed", "dead", "pending"))
        if ledger["accepted"] != outcomes:
            yield f"{ledger['accepted']} events were accepted, and {outcomes} have an outcome or are pending"
        if ledger["pending"]:
            yield f"{ledger['pending']} events are still pending"
        yield from self._faults_at_sink()
        if not (sent.refused or sent.broken):
            for outcome, term in TERMS.items():
                if ledger[term] != (wanted := corpus.expected.get(outcome, 0)):
                    yield f"{wanted} events were to be {term}, and {ledger[term]} are"

    def _faults_at_sink(self) -> Iterator[str]:
        ledger = self.ledger
        if self.distinct != ledger["delivered"]:
            yield f"{ledger['delivered']} events are recorded as delivered, and {self.distinct} came to the sink"
        if self.came != self.distinct:  # no process died, so none has to be sent twice
            yield f"{self.came - self.distinct} events came to the sink more than once"
        if self.strangers:
            yield f"{self.strangers} events are delivered by the records or by the sink alone"
        if self.invalid:
            yield f"{self.invalid} requests to the sink broke Moogsoft's contract"
