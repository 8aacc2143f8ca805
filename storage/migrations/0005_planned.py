"""The day on which somebody in Xero means to pay a bill."""

from typing import Any

from peewee import Database


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the column."""
    db.execute_sql('ALTER TABLE "bill" ADD COLUMN "planned_on" TEXT')  # type: ignore[no-untyped-call]
