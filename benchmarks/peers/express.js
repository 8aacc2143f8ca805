// Express with the signature check of Xero's own samples; with DATABASE set, each request is committed to SQLite (FULL)
// before it is answered. Prints its port when it serves.
const crypto = require("crypto");
const express = require("express");

const key = process.env.WEBHOOK_KEY;
let store = () => {};
if (process.env.DATABASE) {
  const database = require("better-sqlite3")(process.env.DATABASE);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec("CREATE TABLE IF NOT EXISTS request (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
  const insert = database.prepare("INSERT INTO request (body) VALUES (?)");
  store = (body) => insert.run(body);
}

const app = express();
app.post("/webhooks/xero", express.raw({ type: "*/*" }), (request, response) => {
  const signature = crypto.createHmac("sha256", key).update(request.body).digest("base64");
  if (signature !== request.headers["x-xero-signature"]) return response.status(401).end();
  store(request.body);
  response.status(200).end();
});
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
