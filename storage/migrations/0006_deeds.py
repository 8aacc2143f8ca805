"""Who did what a flag is about, and when Xero was asked for it."""

from typing import Any

from peewee import Database

OPEN = 'CREATE INDEX "flag_unasked" ON "flag" ("organisation") WHERE "closed_at" IS NULL AND "asked_at" IS NULL'


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the columns, and the index that finds what is to be asked for."""
    for column in ("deed", "asked_at"):
        db.execute_sql(f'ALTER TABLE "flag" ADD COLUMN "{column}" TEXT')  # type: ignore[no-untyped-call]
    db.execute_sql(OPEN)  # type: ignore[no-untyped-call]
