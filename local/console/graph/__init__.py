"""State machines as pictures: read from their definition, laid out in layers, nothing kept by hand."""

from local.console.graph.definition import Edge, Machine, State, read
from local.console.graph.layout import Box, Drawing, Label, Wire, lay_out

__all__ = ["Box", "Drawing", "Edge", "Label", "Machine", "State", "Wire", "lay_out", "read"]
