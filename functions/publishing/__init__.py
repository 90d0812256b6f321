"""From an HTTP request to a committed fact and its event on the bus."""
