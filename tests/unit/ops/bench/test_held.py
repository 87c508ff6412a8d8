"""What is seen of a backlog that drains."""

from ops.bench.held import Draining


def test_the_rate_counts_from_when_the_workers_began():
    draining = Draining()
    for at_s, pending in ((0, 1000), (5, 1000), (6, 900), (10, 100), (11, 0)):
        draining.add(at_s, pending, 50)
    assert draining.per_s == 900 / 5


def test_memory_counts_from_when_the_workers_were_warm():
    draining = Draining()
    for pending, memory in ((1000, 20), (990, 40), (800, 50), (400, 60), (0, 55)):
        draining.add(0, pending, memory)
    assert draining.growth == 60 / 50


def test_a_backlog_that_does_not_move_is_not_waited_for_for_ever():
    draining, seen = Draining(), []
    for pending in (*[1000] * 120, 999):
        draining.add(0, pending, 50)
        seen.append(draining.stands_still)
    assert seen == [*[False] * 119, True, False]
