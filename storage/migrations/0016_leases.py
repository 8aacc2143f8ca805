"""Turns that one process at a time has, where several share a database; `until` is in the server's milliseconds."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'CREATE TABLE "lease" ("name" TEXT NOT NULL PRIMARY KEY, "holder" TEXT NOT NULL, "number" BIGINT NOT NULL,'
    ' "until" BIGINT NOT NULL)',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the table."""
    execute(db, STEPS)
