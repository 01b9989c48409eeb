"""The error of a broken promise."""


class InvariantError(AssertionError):
    """A promise is broken. `name` is that of the invariant."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name
