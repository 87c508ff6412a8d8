"""One process of the machine keeps the secrets; when it ends, another takes its place."""

import logging
import os
import threading

from django.conf import settings

from mutt_project.secrets.deciding import keeper_of
from mutt_project.secrets.keeper import Keeper
from mutt_project.secrets.present import SourceError

logger = logging.getLogger(__name__)


def keep_secrets() -> None:
    """Be ready to keep the secrets, in a thread: for processes that run for long, after their fork."""
    if settings.MUTT_VAULT:
        keeper = keeper_of(settings.MUTT_VAULT, os.environ)
        threading.Thread(target=keep, args=(keeper, threading.Event()), name="secrets", daemon=True).start()


def keep(keeper: Keeper, stopping: threading.Event) -> None:
    """Keep them as soon as nobody else does, until `stopping`."""
    every_s = keeper.settings.check_every_s
    while not stopping.is_set():
        try:
            keeper.folder.ensure()
            with keeper.folder.held() as held:
                while held and not stopping.is_set():
                    keeper.turn()
                    stopping.wait(every_s)
        except (OSError, SourceError) as error:
            logger.error("secrets cannot be kept: %s", error)  # noqa: TRY400 - it says all
        except Exception:  # nobody else does this, and the next turn may go better
            logger.exception("secrets cannot be kept")
        stopping.wait(every_s)
