"""The release after this one, as far as its tables go: a copy of `storage` with one more migration."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import storage

ROOT = Path(storage.__file__).parent.parent
LATER, LATER_BREAKING = "9999_later", "9999_later_breaking"
STEPS = (
    'ALTER TABLE "link" ADD COLUMN "later" TEXT NOT NULL DEFAULT \'as before\'',
    'ALTER TABLE "bill" ADD COLUMN "later" BIGINT',
    'CREATE TABLE "later" ("id" {id}, "text" TEXT NOT NULL)',
    'CREATE INDEX "bill_later" ON "bill" ("organisation", "later")',
)
MIGRATION = """
from storage.migrating import execute

def up(migrator, db):
    execute(db, {steps!r})
"""


def next_release(folder: Path, *, name: str = LATER) -> dict[str, str]:
    """Make it in that folder; the environment of a process that runs it."""
    shutil.copytree(ROOT / "storage", folder / "storage", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"storage/migrations/{name}.py").write_text(MIGRATION.format(steps=STEPS), encoding="utf-8")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PATH": os.environ["PATH"]}


def opening(url: str, folder: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process of it that opens the database, which brings the tables up to date, and ends."""
    program = f"from storage import Ledger; Ledger.open({url!r}).close()"
    return subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=environ)  # noqa: S603  our own program
