"""One process of the machine keeps the secrets; when it ends, another takes its place."""

import logging
import os
import threading
from typing import TYPE_CHECKING

from django.conf import settings

from mutt_project.secrets import metrics  # noqa: F401 - they say 0 where there is no Vault
from mutt_project.secrets.deciding import keeper_of
from mutt_project.secrets.present import SourceError

if TYPE_CHECKING:
    from mutt_project.secrets.keeper import Keeper

logger = logging.getLogger(__name__)

REST_S = 10  # longer than Vault is waited for
_at_work = threading.Lock()
_resting = threading.local()


def _rest() -> None:
    """Let the keeper rest: a child that is forked amid a turn would wait for ever for the locks that it held."""
    _resting.held = _at_work.acquire(timeout=REST_S)


def _go_on() -> None:
    if _resting.held:
        _at_work.release()


os.register_at_fork(before=_rest, after_in_parent=_go_on, after_in_child=_go_on)


def keep_secrets() -> None:
    """Be ready to keep the secrets, in a thread, which children that are forked later do not have."""
    if settings.MUTT_VAULT:
        keeper = keeper_of(settings.MUTT_VAULT, os.environ)
        threading.Thread(target=keep, args=(keeper, threading.Event()), name="secrets", daemon=True).start()


def keep(keeper: "Keeper", stopping: threading.Event) -> None:
    """Keep them as soon as nobody else does, until `stopping`."""
    every_s = keeper.settings.check_every_s
    while not stopping.is_set():
        try:
            keeper.folder.ensure()
            with keeper.folder.held() as held:
                while held and not stopping.is_set():
                    with _at_work:
                        keeper.turn()
                    stopping.wait(every_s)
        except (OSError, SourceError) as error:
            logger.error("secrets cannot be kept: %s", error)  # noqa: TRY400 - it says all
        except Exception:  # nobody else does this, and the next turn may go better
            logger.exception("secrets cannot be kept")
        stopping.wait(every_s)
