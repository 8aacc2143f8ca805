"""The connection to Xero: what goes out, what comes back, and what it costs. Start at `connections.Connections`."""
