"""The site for a machine's own nginx is right by nginx' own word, and does what ops/nginx/mutt.conf does."""

import re
import subprocess
import sys
from pathlib import Path

from ops.local.ports import free_port
from ops.local.stack import ROOT
from tests.senders import environment, program

FOLDER = ROOT / "ops" / "nginx"
# What stands around the site, as Debian and nginx.org ship it.
AROUND = """
pid {folder}/nginx.pid;
events {{ worker_connections 768; }}
http {{
    types_hash_max_size 2048;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    keepalive_timeout 65;
    access_log {folder}/access.log;
    {temporary}
    include {folder}/mutt-site.conf;
}}
"""
OF_A_PLACE = ("listen", "server_name", "access_log", "ssl_certificate", "ssl_certificate_key", "server")


def directives(name: str) -> set[str]:
    """Those within http that are not about a place: names, ports and files are each machine's own."""
    text = re.sub(r"#.*", "", (FOLDER / name).read_text())
    found = {" ".join(line.split()) for line in re.findall(r"^\s+(\S[^;{}]*);", text, re.MULTILINE)}
    return {line for line in found if line.split()[0] not in OF_A_PLACE}


def test_the_site_says_what_the_whole_configuration_says():
    alone = {line for line in directives("mutt.conf") - directives("mutt-site.conf") if "_temp_path" not in line}
    assert {line.split()[0] for line in alone} == {"worker_processes", "worker_connections", "default_type"}
    assert directives("mutt-site.conf") <= directives("mutt.conf")
    formats = [re.findall(r"log_format .+", (FOLDER / name).read_text()) for name in ("mutt.conf", "mutt-site.conf")]
    assert formats[0] == formats[1] != []


def test_nginx_finds_nothing_wrong_with_the_site(tmp_path: Path):
    nginx = program("nginx")
    words = [sys.executable, str(ROOT / "ops/docker/make_secrets.py"), "--folder", str(tmp_path / "secrets")]
    subprocess.run([*words, "--moogsoft-key", "stdin"], input="key", text=True, capture_output=True, check=True)
    site = (FOLDER / "mutt-site.conf").read_text()
    places = {
        "/etc/mutt/tls/certificate.pem": f"{tmp_path}/secrets/tls_certificate",
        "/etc/mutt/tls/key.pem": f"{tmp_path}/secrets/tls_key",
        "/var/log/nginx": str(tmp_path),
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl;": f"listen 127.0.0.1:{free_port()} ssl;",
    }
    for place, here in places.items():
        assert place in site
        site = site.replace(place, here)
    (tmp_path / "mutt-site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path, temporary=temporary))
    check = [str(nginx), "-t", "-q", "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"]
    done = subprocess.run(check, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
