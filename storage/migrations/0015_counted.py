"""The order in which people count, where the server has to know it; on SQLite, it is a function of the program."""

from typing import Any

from peewee import Database, PostgresqlDatabase

# As `storage.sqlite.counted`: the numbers in a key are filled up with zeros in front.
COUNTED = """
    CREATE FUNCTION counted(key TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT COALESCE(string_agg(
            CASE WHEN part ~ '^[0-9]'
                THEN lpad(ltrim(part, '0'), greatest(20, length(ltrim(part, '0'))), '0')
                ELSE lower(part)
            END, '' ORDER BY place), '') COLLATE "C"
        FROM (
            SELECT match[1] AS part, place
            FROM regexp_matches(key, '[0-9]+|[^0-9]+', 'g') WITH ORDINALITY AS matches(match, place)
        ) AS parts
    $$
"""


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the function."""
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql(COUNTED)  # type: ignore[no-untyped-call]
