"""Flask with one SQLite commit per request, flushed (FULL): run by gunicorn with two processes of four threads."""

import base64
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


def _database() -> sqlite3.Connection:
    if not hasattr(local, "database"):
        local.database = sqlite3.connect(os.environ["DATABASE"], timeout=10, isolation_level=None)
        local.database.execute("PRAGMA journal_mode = WAL")
        local.database.execute("PRAGMA synchronous = FULL")
        local.database.execute("CREATE TABLE IF NOT EXISTS request (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return local.database


@app.post("/webhooks/xero")
def webhook() -> Response:
    """Verify, store, answer."""
    body = request.get_data()
    signature = base64.b64encode(hmac.digest(KEY, body, hashlib.sha256)).decode()
    if not hmac.compare_digest(signature, request.headers.get("x-xero-signature", "")):
        return Response(status=401)
    _database().execute("INSERT INTO request (body) VALUES (?)", (body,))
    return Response(status=200)
