"""The static gate. `functions/` is a root of its own (/var/task), so it goes onto the path as it does under pytest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "functions"))
