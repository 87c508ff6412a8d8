"""Beat's memory of when each task last ran, as JSON: Celery's own is a file of pickles, which run what they hold."""

import json
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery.beat import Scheduler
from redis.exceptions import RedisError

from audit.tuning.present import present
from audit.workers import beat_ticks
from mutt_project.alive import touch_alive

logger = logging.getLogger(__name__)


class JsonScheduler(Scheduler):
    """The schedule is the settings' own; of its entries the last runs are kept."""

    def __init__(self, *args: Any, schedule_filename: str, **kwargs: Any) -> None:
        self._path = Path(schedule_filename)
        super().__init__(*args, schedule_filename=schedule_filename, **kwargs)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        for name, last_run_at in _read(self._path).items():
            if name in self.schedule:
                self.schedule[name].last_run_at = last_run_at

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        touch_alive("beat")
        return super().tick(*args, **kwargs)

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Whatever it sends is a sign of its life."""
        sent = super().apply_async(*args, **kwargs)
        present.refresh()
        with suppress(RedisError):
            beat_ticks()
        return sent

    def _ensure_connected(self) -> Any:
        """Without Redis beat waits in here, for as long as it takes, and is well."""

        def tell(error: Exception, interval: float) -> None:
            touch_alive("beat")
            logger.error("beat has no broker, and tries again in %s s: %s", interval, type(error).__name__)

        return self.connection.ensure_connection(tell, self.app.conf.broker_connection_max_retries)

    def sync(self) -> None:
        """Celery calls this every few minutes and at the end."""
        draft = self._path.with_suffix(".new")
        ran = {name: entry.last_run_at for name, entry in self.schedule.items()}
        draft.write_text(json.dumps({name: moment.isoformat() for name, moment in ran.items() if moment}))
        draft.replace(self._path)


def _read(path: Path) -> dict[str, datetime]:
    """The last runs; none of them in the future, or a task would wait for it."""
    try:
        kept = {str(name): datetime.fromisoformat(text) for name, text in json.loads(path.read_text()).items()}
        return {name: min(moment, datetime.now(UTC)) for name, moment in kept.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        logger.warning("when tasks last ran cannot be read from %s, they begin anew: %s", path, type(error).__name__)
        return {}
