"""Whether the web server of this container answers: ends with 0 if it does."""

import http.client
import os
import sys
from collections.abc import Mapping

_TIMEOUT_S = 4


def answers(environment: Mapping[str, str]) -> bool:
    """By a name that the server answers to, on the port that it listens on."""
    name = (environment.get("MUTT_ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".")
    port = int(environment.get("MUTT_BIND", ":8000").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost" if name == "*" else name})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not answers(os.environ))
