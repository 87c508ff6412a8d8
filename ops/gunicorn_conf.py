"""The web server: a few processes with threads, since a request mostly waits for Redis."""

import os
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client.multiprocess import mark_process_dead
from structlog.contextvars import clear_contextvars

from mutt_project import tracing
from mutt_project.garbage import IN_WEB, rarely_collect
from mutt_project.log_lines import formatter, log_format
from mutt_project.masking import MaskSecrets
from mutt_project.secrets.keeping import keep_secrets
from mutt_project.shared_metrics import shared_folder, tidy

BODY_TIMEOUT_S = 20  # between two pieces of a body

bind = os.environ.get("MUTT_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("MUTT_WEB_PROCESSES", "2"))
worker_class = "ops.impatient_worker.ImpatientWorker"
threads = int(os.environ.get("MUTT_WEB_THREADS", "16"))
timeout = 60
preload_app = True  # what is loaded before the fork is in memory once
graceful_timeout = 20
keepalive = 30
accesslog = None
control_socket_disable = True
# MUTT_TRUSTED_PROXIES alone says whose forwarded headers count; gunicorn itself would believe whoever is near.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}


class MaskingLogger(Logger):  # type: ignore[misc] # gunicorn is untyped
    """Gunicorn's own log, which quotes request lines that it cannot read and addresses of requests that failed."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.addFilter(MaskSecrets())
            handler.setFormatter(formatter(log_format()))


logger_class = MaskingLogger


def when_ready(server: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Keep what the processes share: the garbage collector would write to it, and each would get a copy."""
    rarely_collect(IN_WEB)
    if shared_folder():
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped; it serves nobody


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Begin what has threads: none of them would be there after the fork."""
    tracing.start("mutt-web")
    keep_secrets()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """What a dead process counted is kept, in one file with that of the others."""
    try:
        tidy()
    except Exception:  # a full disk under the metrics must not end the web server
        server.log.exception("the metrics of a process that ended were not added up")


def pre_request(worker: Any, req: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """A client that announces a body and does not send it must not hold a thread for ever."""
    req.unreader.sock.settimeout(BODY_TIMEOUT_S)


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """What this thread logs next belongs to no request, until another one comes."""
    clear_contextvars()
