"""The error family of kubectl-pets and its exit codes.

Exceptions are for the outside world only: a cluster that cannot be reached, a right that is missing, a word on the command line
that means nothing. What the program decides (a refusal, a stuck rollout) is a value, see ``domain``. Nothing is imported here,
so every room may use this one; the client's own exceptions are turned into these in ``cluster/http/failures.py`` and never leave
it.
"""

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """What the shell gets to know. Listed in the README and in ``kubectl pets --help``."""

    OK = 0  #: done, all well
    FAILED = 1  #: the question could not be answered or the change could not be made
    USAGE = 2  #: the command line cannot be meant
    NOT_YET = 3  #: not done yet, or paused at a partition
    STUCK = 4  #: stuck or degraded: it will not go on by itself
    TIMED_OUT = 5  #: the time given with --timeout ran out
    REFUSED = 6  #: unsafe, so nothing was changed
    FINDINGS = 7  #: --check, or doctor, found something
    INTERRUPTED = 130  #: Ctrl-C


class PetsError(Exception):
    """Something outside went wrong.

    ``message`` says what was tried and what came back, ``hint`` what to try next. Both are shown on stderr by the one error
    boundary; neither ever holds a secret.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PetsError):
    """A word on the command line that cannot be meant, found after parsing (an image for a container that does not exist)."""

    exit_code = ExitCode.USAGE


class RefusedError(PetsError):
    """What was asked for is not done to such an object, found before the cluster was asked."""

    exit_code = ExitCode.REFUSED


class ConfigError(PetsError):
    """No usable kubeconfig, or one that contradicts itself."""


class CredentialPluginError(PetsError):
    """An exec credential plugin failed; carries the plugin's own words."""


class UnreachableError(PetsError):
    """No answer from the API server: connection refused, name not found, TLS not trusted, timed out."""


class UnauthorizedError(PetsError):
    """401: the credentials were not accepted."""


class ForbiddenError(PetsError):
    """403: a right is missing; names verb and resource."""


class NotFoundError(PetsError):
    """404: no such object, or no such API."""


class ConflictError(PetsError):
    """409, or a failed ``test`` of a JSON patch: the object changed since it was read. Read again and decide afresh."""


class ExpiredError(PetsError):
    """410: a resourceVersion or a list's continue token is too old. List again."""


class ThrottledError(PetsError):
    """429: the server asks to come back after ``retry_after`` seconds."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class InvalidError(PetsError):
    """400, 413 or 422: the API server would not take what was sent."""


class ServerError(PetsError):
    """5xx, or an answer that cannot be understood."""


class UnreadableError(ServerError):
    """An object that the API server holds and that cannot be decoded."""
