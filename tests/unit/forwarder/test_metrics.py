"""What is counted for many events at once is what would be counted one by one."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from audit.metrics import EventHistogram

BUCKETS = (0.1, 0.5, 1.0)


def samples(of: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Of buckets, number and sum."""
    (family,) = of.collect()
    found = {(one.name, one.labels.get("le", "")): round(one.value, 9) for one in family.samples}
    return {name: value for name, value in found.items() if not name[0].endswith("_created")}


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.5, 0.7, 1.0, 9.0]), st.integers(1, 5))))
def test_values_that_are_observed_together_count_as_if_they_came_one_by_one(amounts):
    one_by_one, together = CollectorRegistry(), CollectorRegistry()
    plain = Histogram("h", "a histogram", buckets=BUCKETS, registry=one_by_one)
    for amount, times in amounts:
        for _ in range(times):
            plain.observe(amount)
    EventHistogram("h", "a histogram", buckets=BUCKETS, registry=together).observe_all(amounts)
    assert samples(together) == samples(one_by_one)
