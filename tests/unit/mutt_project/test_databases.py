"""DATABASE_URL as Django is told of it."""

from mutt_project.settings.databases import database_of


def test_what_the_url_says_of_tls_holds_beside_our_limits():
    found = database_of("postgresql://mutt:secret@db.example/mutt?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert found["OPTIONS"]["sslrootcert"] == "/etc/ca.pem"
    assert found["OPTIONS"]["connect_timeout"] == 5
    assert "statement_timeout=60000" in found["OPTIONS"]["options"]
    assert found["ENGINE"] == "mutt_project.postgresql"


def test_options_of_the_url_are_added_to_ours():
    options = database_of("postgresql://db.example/mutt?options=-c%20work_mem%3D64MB")["OPTIONS"]["options"]
    assert options.endswith("-c work_mem=64MB")
    assert "lock_timeout=10000" in options
