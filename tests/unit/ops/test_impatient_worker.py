"""Who sends a request for ever, byte by byte or not at all, keeps no thread of the web server."""

import os
import socket
import subprocess
import sys

import pytest
import urllib3

from ops.local.ports import free_port, listens
from ops.local.stack import ROOT
from tests.mutt import eventually

APP = "wsgiref.simple_server:demo_app"
THREADS = 2


@pytest.fixture
def port():
    port = free_port()
    environment = {
        **os.environ,
        "MUTT_BIND": f"127.0.0.1:{port}",
        "MUTT_WEB_PROCESSES": "1",
        "MUTT_WEB_THREADS": str(THREADS),
        "MUTT_ARRIVAL_S": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:ops.gunicorn_conf", APP]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as server:
        eventually(lambda: listens(port))
        yield port
        server.terminate()


def test_half_requests_are_cut_off_and_others_are_served(port: int):
    held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(2 * THREADS)]
    for connection in held:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX-A: b")
    assert urllib3.request("GET", f"http://127.0.0.1:{port}/", timeout=30, retries=False).status == 200
    for connection in held:
        while connection.recv(65536):
            pass
        connection.close()
