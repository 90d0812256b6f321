"""From an event to one e-mail."""
