"""The dashboard: for named users behind a login, how everything stands, and what they may do about it."""
