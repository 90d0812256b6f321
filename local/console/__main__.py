"""`python -m local.console`: what `Console` starts.

Reads the instance to show as one line of JSON on stdin, prints its URL, serves until SIGTERM or the end of stdin.
"""

import argparse
import json
import sys

from local.commands.instance import Instance
from local.console import server


def main() -> int:
    """Serve; exit 1 with one line on stderr when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    try:
        server.serve(Instance(**json.loads(sys.stdin.buffer.readline())), options.port)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
