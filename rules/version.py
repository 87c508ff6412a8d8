"""The number of the rule set never goes back, also where PostgreSQL did."""

from django.db import connection, transaction

from rules.loaded import loaded_rule_set

_RAISE = "UPDATE rules_rulesetversion SET version = %s, changed_at = now() WHERE id = 1"
_NOTE = "INSERT INTO rules_rulesetchange (number, version, changed_at) VALUES (rules_change_number(), %s, now())"


def raise_version() -> int | None:
    """Make the version higher than any that a process has loaded; returns it, or None if it was not lower.

    Else a version that is given out for the second time would mean other rules, and a worker that has not looked in
    between would go on with the old ones. Raises RedisError.
    """
    loaded = loaded_rule_set()
    if loaded is None:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT version FROM rules_rulesetversion WHERE id = 1 FOR UPDATE")
        (version,) = cursor.fetchone()
        if version >= loaded.version:
            return None
        cursor.execute(_RAISE, [loaded.version + 1])
        cursor.execute(_NOTE, [loaded.version + 1])
    return loaded.version + 1
