"""The sandbox in which a submission's kernel runs: bubblewrap, limits, and a watch over both."""


class NoSandbox(RuntimeError):
    """Untrusted work cannot be run safely here; the message says why, how to mend it, and what --unprotected means."""


def available() -> str | None:
    """Return None where the sandbox works, or why it does not, in one line."""
    raise NotImplementedError
