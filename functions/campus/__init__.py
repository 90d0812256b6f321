"""The vocabulary every wing shares: events, bus, tables, identity, settings, observability. Imports no wing."""
