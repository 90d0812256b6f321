"""One module a page: what it asks the sources for, and which template shows it."""
