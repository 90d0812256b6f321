"""The commands of `nightclass`, one module a command or a small group."""
