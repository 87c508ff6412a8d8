"""Waiting for what may never end, such as a keyring that asks somebody who is not there."""

import queue
import threading
from collections.abc import Callable
from typing import Any


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What the call answers, or raises; TimeoutError after so many seconds, while it hangs on in the background."""
    answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

    def ask() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.put((None, error))

    threading.Thread(target=ask, daemon=True).start()  # one that hangs must not keep muttctl from ending
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer
