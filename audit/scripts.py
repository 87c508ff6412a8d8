"""Several Lua scripts in one round trip."""

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

Call = tuple[Script, Sequence[str], Sequence[Any]]  # with keys and arguments


def run_all(redis: Redis, calls: Sequence[Call]) -> list[Any]:
    """Run scripts one after the other, each for itself; returns their answers. Raises what the first of them raised.

    redis-py's own pipelines ask first whether Redis knows the scripts, which is a second round trip.
    """
    if len(calls) == 1:
        ((script, keys, args),) = calls
        return [script(keys=keys, args=args)]
    with redis.pipeline(transaction=False) as pipe:
        for script, keys, args in calls:
            pipe.evalsha(script.sha, len(keys), *keys, *args)
        answers: list[Any] = pipe.execute(raise_on_error=False)
    for place, answer in enumerate(answers):
        if isinstance(answer, NoScriptError):  # Redis was started anew, or is another one
            script, keys, args = calls[place]
            answers[place] = script(keys=keys, args=args)
        elif isinstance(answer, Exception):
            raise answer
    return answers
