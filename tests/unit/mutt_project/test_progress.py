"""A worker that does not get on is noticed; one that is busy, has nothing to do or cannot know is left alone."""

import pytest
from redis.exceptions import ConnectionError as RedisAway

from mutt_project.progress import Watch, end_worker


class Progress:
    """What a worker has begun and whether it is at it."""

    def __init__(self) -> None:
        self.tasks = 0
        self.is_busy = False

    def begin(self) -> None:
        self.tasks += 1
        self.is_busy = True

    def end(self) -> None:
        self.is_busy = False


class World:
    """A worker, its queues and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.messages = 0
        self.is_away = False
        self.progress = Progress()
        self.watch = Watch(self.progress, self.waiting, 30, lambda: self.now)

    def waiting(self) -> int:
        if self.is_away:
            raise RedisAway
        return self.messages

    def looks(self, seconds: int) -> list[bool]:
        found = []
        for _ in range(seconds // 5):
            self.now += 5
            found.append(self.watch.is_stalled())
        return found


@pytest.fixture
def world() -> World:
    made = World()
    made.watch.is_stalled()
    return made


def test_an_idle_worker_whose_queues_are_not_empty_is_stalled_after_its_time(world):
    world.messages = 3
    assert world.looks(25) == [False] * 5
    assert world.looks(10) == [True, True]


def test_one_whose_queues_are_empty_has_nothing_to_do(world):
    assert not any(world.looks(300))
    world.messages = 1
    assert not any(world.looks(25))


def test_one_that_takes_a_task_now_and_then_gets_on(world):
    world.messages = 3
    for _ in range(10):
        assert not any(world.looks(25))
        world.progress.begin()
        world.progress.end()


def test_one_that_is_busy_is_left_alone_and_has_all_the_time_afterwards(world):
    world.messages = 3
    world.progress.begin()
    assert not any(world.looks(300))
    world.progress.end()
    assert not any(world.looks(25))
    assert any(world.looks(10))


def test_while_redis_is_away_nothing_is_known(world):
    world.messages = 3
    world.looks(20)
    world.is_away = True
    with pytest.raises(RedisAway):
        world.looks(5)
    world.is_away = False
    assert not any(world.looks(25))
    assert any(world.looks(10))


def test_a_stalled_worker_is_asked_to_end_and_ended_if_it_does_not(monkeypatch):
    asked, timers = [], []
    monkeypatch.setattr("os.kill", lambda pid, number: asked.append(number.name))

    class Timer:
        daemon = False

        def __init__(self, seconds, function, arguments):
            timers.append((seconds, function.__name__, arguments))

        def start(self):
            pass

    monkeypatch.setattr("threading.Timer", Timer)
    end_worker()
    assert asked == ["SIGTERM"]
    assert timers == [(30, "_exit", [1])]
