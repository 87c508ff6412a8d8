"""Real certificates, made for one test run: right ones, and each kind of wrong one."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Files:
    """Where a certificate is, and its key."""

    cert: Path
    key: Path

    def server_context(self, client_ca: Path | None = None) -> ssl.SSLContext:
        """For a server of ours, which demands a client certificate if `client_ca` is given."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
            # By TLS 1.3 the client believes itself connected before it is refused, and may see the end only.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context


class Certificates:
    """An authority with what it has issued, and one that nobody trusts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.other_ca = folder / "other-ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)
        trustme.CA().cert_pem.write_to_path(self.other_ca)
        self.right = self._issue("right", "127.0.0.1", "localhost", "moogsoft.example")
        self.of_another_host = self._issue("another", "another.example")
        self.expired = self._issue("expired", "127.0.0.1", "localhost", until=datetime.now(UTC) - timedelta(days=1))
        self.client = self._issue("client", "mutt", common_name="mutt")

    def _issue(self, name: str, *hosts: str, until: datetime | None = None, common_name: str | None = None) -> Files:
        begins = datetime.now(UTC) - timedelta(days=9) if until else None
        issued = self._authority.issue_cert(*hosts, common_name=common_name, not_before=begins, not_after=until)
        files = Files(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        for pem in issued.cert_chain_pems:
            pem.write_to_path(files.cert, append=True)
        issued.private_key_pem.write_to_path(files.key)
        files.key.chmod(0o600)
        return files
