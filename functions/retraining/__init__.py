"""The nightly run: one module per state of the state machine."""
