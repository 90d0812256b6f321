"""`python -m local.cloud`: what `Cloud` starts. Prints its endpoint, serves until SIGTERM or the end of stdin."""

import argparse
import sys
from pathlib import Path

from local.cloud import server


def main() -> int:
    """Serve; exit 1 with one line on stderr when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--time-scale", type=float, default=0.005)
    options = parser.parse_args()
    try:
        server.serve(options.state_dir, options.port, options.time_scale)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
