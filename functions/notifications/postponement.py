"""A mail that cannot go out now but may later."""


class PostponedError(Exception):
    """The message shall come back after `seconds`; None: the later the more often it came already."""

    def __init__(self, reason: str, seconds: int | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds
