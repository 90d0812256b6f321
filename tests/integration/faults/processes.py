"""Which process holds the other end of a connection (Linux's /proc)."""

from pathlib import Path


def peer_of(address: tuple[str, int], peer: tuple[str, int], ancestor: int) -> int | None:
    """The process among `ancestor` and its descendants that connected from `peer` to our `address`; None if gone."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    wanted = [_hexadecimal(peer), _hexadecimal(address)]
    inodes = {row[9] for row in rows if row[1:3] == wanted}
    return next((pid for pid in _family(ancestor) if inodes & _sockets_of(pid)), None)


def _hexadecimal(address: tuple[str, int]) -> str:
    host, port = address
    return "".join(f"{int(part):02X}" for part in reversed(host.split("."))) + f":{port:04X}"


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        return [pid, *(one for tasks in children for child in tasks.read_text().split() for one in _family(int(child)))]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _sockets_of(pid: int) -> set[str]:
    sockets = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
    except OSError:
        pass  # the process, or the descriptor, went away meanwhile
    return sockets
