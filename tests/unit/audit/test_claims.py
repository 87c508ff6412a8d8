"""Several claims at once: one round trip, and each batch stands for itself."""

import pytest
from redis.exceptions import ResponseError

from audit import claims
from audit.connections import redis_client
from audit.journal import BATCH
from audit.outcomes import Stage
from tests.unit.audit.batches import claim, journal, opened

pytestmark = pytest.mark.usefixtures("redis_server")


def taken_over(batch: object) -> None:
    redis_client().hset(f"{BATCH}{batch}", "token", "another")


def test_what_is_done_to_none_asks_nobody():
    assert claims.renew([]) == claims.advance([], Stage.MATCH) == []
    assert claims.finish([]) == []
    claims.release([])


def test_those_that_are_ours_no_more_are_left_as_they_are():
    books = journal()
    held = [claim(books, opened(books), Stage.VALIDATE) for _ in range(3)]
    taken_over(held[1].batch)
    ours = [held[0], held[2]]
    assert claims.renew(held) == ours
    assert claims.advance(held, Stage.MATCH) == ours
    assert [books.stage_of(one.batch)[0] for one in held] == [Stage.MATCH, Stage.VALIDATE, Stage.MATCH]  # type: ignore[index]


def test_several_are_closed_and_what_was_behind_them_is_named():
    books = journal()
    first, second, behind, lost = (opened(books) for _ in range(4))
    held = [claim(books, batch, Stage.VALIDATE) for batch in (first, second, lost)]
    waiting = claim(books, behind, Stage.VALIDATE)
    waiting.park("order", 2, behind=first)
    taken_over(lost)
    assert claims.finish(held, hand_on=True) == [(behind, 2)]
    assert books.open_among([first, second, behind, lost]) == {behind, lost}


def test_a_redis_that_was_started_anew_learns_the_scripts_again():
    books = journal()
    batches = [opened(books) for _ in range(2)]
    redis_client().script_flush()
    with books.claimed_together(batches, Stage.VALIDATE) as held:
        redis_client().script_flush()
        assert claims.renew(held) == held
        redis_client().script_flush()
        assert claims.advance(held, Stage.MATCH) == held


def test_where_claiming_one_fails_none_is_held():
    books = journal()
    fine, broken = opened(books), opened(books)
    redis_client().hset(f"{BATCH}{broken}", "attempts", "no number")
    with pytest.raises(ResponseError), books.claimed_together([fine, broken], Stage.VALIDATE):
        pass
    claim(books, fine, Stage.VALIDATE)
