"""An index that holds all that a text search looks at, so that it need not read whole milestones."""

from typing import Any

from peewee import Database

NAME = "milestone_organisation_key_payee_folded_title"
INDEX = f'CREATE INDEX "{NAME}" ON "milestone" ("organisation", "key", "payee_folded", "title")'


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the index."""
    db.execute_sql(INDEX)  # type: ignore[no-untyped-call]
