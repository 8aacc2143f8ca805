"""Connecting to Xero: a person's consent, what it leads to, and giving it up again."""
