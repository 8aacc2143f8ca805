"""Flask with one SQLite commit per request, flushed (FULL): run by gunicorn with two processes of four threads, which
load this file before they part (`--preload`)."""

import base64
import contextlib
import hashlib
import hmac
import os
import sqlite3
import threading

from flask import Flask, Response, request

KEY = os.environ["WEBHOOK_KEY"].encode()
app = Flask(__name__)


class Local(threading.local):
    """What each thread has of its own."""

    database: sqlite3.Connection


local = Local()


def _connected() -> sqlite3.Connection:
    database = sqlite3.connect(os.environ["DATABASE"], timeout=10, isolation_level=None)
    database.execute("PRAGMA synchronous = FULL")
    return database


def _database() -> sqlite3.Connection:
    if not hasattr(local, "database"):
        local.database = _connected()
    return local.database


# Once, before there are several processes: only one at a time can switch to the write-ahead log.
with contextlib.closing(_connected()) as first:
    first.execute("PRAGMA journal_mode = WAL")
    first.execute("CREATE TABLE request (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")


@app.post("/webhooks/xero")
def webhook() -> Response:
    """Verify, store, answer."""
    body = request.get_data()
    signature = base64.b64encode(hmac.digest(KEY, body, hashlib.sha256)).decode()
    if not hmac.compare_digest(signature, request.headers.get("x-xero-signature", "")):
        return Response(status=401)
    _database().execute("INSERT INTO request (body) VALUES (?)", (body,))
    return Response(status=200)
