"""snmptrapd's handler: a file in the spool, whole or not at all, without the community."""

import os
import subprocess
from pathlib import Path

HANDLER = Path(__file__).resolve().parents[3] / "ops" / "snmptrapd" / "mutt-traphandle"
TRAP = b'edge-7\nUDP: [192.0.2.7]:1->[192.0.2.1]:162\n.1.3.6.1.2.1.1.3.0 1\n.1.3.1 "T\xfcr"\n'


def handle(spool: Path, trap: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [str(HANDLER), str(spool)]
    return subprocess.run(command, input=trap, capture_output=True, check=False, env={"PATH": os.environ["PATH"]})


def test_a_trap_is_spooled_byte_by_byte_for_this_user_alone(tmp_path):
    (tmp_path / "incoming").mkdir()
    assert handle(tmp_path, TRAP).returncode == 0
    (file,) = (tmp_path / "incoming").iterdir()
    assert file.suffix == ".trap"
    assert file.read_bytes() == TRAP
    assert file.stat().st_mode & 0o077 == 0


def test_traps_that_come_together_have_files_of_their_own(tmp_path):
    (tmp_path / "incoming").mkdir()
    for _ in range(20):
        handle(tmp_path, TRAP)
    assert len(list((tmp_path / "incoming").iterdir())) == 20


def test_no_community_reaches_the_disk(tmp_path):
    (tmp_path / "incoming").mkdir()
    for oid in (b".1.3.6.1.6.3.18.1.4.0 ", b"iso.3.6.1.6.3.18.1.4.0 = ", b"SNMP-COMMUNITY-MIB::snmpTrapCommunity.0 "):
        handle(tmp_path, TRAP + oid + b'"lan-7"\n.1.3.2 last\n')
    for file in (tmp_path / "incoming").iterdir():
        assert b"lan-7" not in file.read_bytes()
        assert file.read_bytes().endswith(b'"***"\n.1.3.2 last\n')


def test_without_a_spool_it_says_so(tmp_path):
    assert handle(tmp_path / "nowhere", TRAP).returncode != 0
