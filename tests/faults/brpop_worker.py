"""A worker that stops in Celery's worst moment: a message has been popped, and is not yet noted as unacknowledged.

It says so by a file, and waits there to be killed. Its other messages go through. Arguments: the file, how many
messages go through first, then those of `celery worker`.
"""

import sys
import time
from pathlib import Path
from typing import Any

from kombu.transport import redis as transport

from mutt_project.worker import app


def main() -> None:
    marker, through, *arguments = sys.argv[1:]
    left = int(through)
    deliver = transport.Transport._deliver  # noqa: SLF001 - there is no other door

    def pausing(self: Any, message: Any, queue: str) -> None:
        nonlocal left
        if left == 0:
            Path(marker).write_text(queue)
            time.sleep(3600)
        left -= 1
        deliver(self, message, queue)

    setattr(transport.Transport, "_deliver", pausing)  # noqa: B010 - as above, past mypy
    app.worker_main(["worker", *arguments])


if __name__ == "__main__":
    main()
