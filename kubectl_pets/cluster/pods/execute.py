"""Runs a command in a container, through the API server, and brings back what it said.

The subprotocols are ``v5.channel.k8s.io`` (KEP-4006) and ``v4.channel.k8s.io`` of ``pods/exec``: channels for stdout and stderr,
and one on which a Status tells how it ended. The command is a list of words, never a line for a shell.
"""

import re
from collections.abc import Sequence
from time import monotonic

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, both_ends, clean
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.http.websocket import WebSocket, open_websocket
from kubectl_pets.cluster.objects.kinds import PODS
from kubectl_pets.errors import UnreachableError

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = 1, 2, 3

#: Bytes of stdout, and of stderr, that are kept.
_KEPT = 1 << 20

#: What is not a kubelet (KWOK) may have only words for it, Go's.
_WORDED = re.compile(r"exit status (\d{1,3})$")

#: A status that is longer than this is none.
_LONGEST_STATUS = 1 << 16

#: After the command's end, seconds for the rest of its output and the end of the connection.
_PARTING = 1.0


class ExecResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. Output is untrusted text, cut short where ``cut`` says so."""

    #: None: it could not be started; ``problem`` says why.
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    cut: bool = False
    problem: str = ""


class _Cause(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct, frozen=True):
    causes: tuple[_Cause, ...] | None = None


class _Ending(msgspec.Struct, frozen=True):
    """How a command ended: the metav1.Status on the exec stream's error channel."""

    status: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None


_ENDING = msgspec.json.Decoder(_Ending)


def run_in(
    transport: Transport, namespace: str, pod: str, container: str, command: Sequence[str], timeout: float
) -> ExecResult:
    """Run a command to its end. ``timeout``: seconds for all of it; a command that takes longer goes on in the pod, for the
    API has no way to end it. Raises PetsError: ForbiddenError, NotFoundError (no such pod), UnreachableError (no end in time,
    or the connection was cut before one), InvalidError (no such container)."""
    deadline = monotonic() + timeout
    attempt = Attempt("create", "pods/exec", pod, namespace)
    query = [*(("command", word) for word in command), ("container", container), ("stdout", "true"), ("stderr", "true")]
    socket = open_websocket(transport, PODS.path(namespace, pod) + "/exec", query, attempt, _PROTOCOLS, deadline)
    try:
        outputs, cut = _outputs(socket, deadline)
    except TimeoutError:
        raise UnreachableError(f"{clean(command[0], 60)} in pod {clean(pod)} did not end within {timeout:g} s") from None
    except OSError as error:
        raise UnreachableError(f"lost the command in pod {clean(pod)}: {clean(str(error), 200)}", hint="try again") from None
    finally:
        socket.close()
    if not outputs[_STATUS]:
        raise UnreachableError(f"lost the command in pod {clean(pod)} before it ended", hint="try again")
    code, problem = _ended(bytes(outputs[_STATUS]))
    stdout, stderr = (outputs[channel].decode(errors="replace") for channel in (_STDOUT, _STDERR))
    return ExecResult(exit_code=code, stdout=stdout, stderr=stderr, cut=cut, problem=problem)


def _outputs(socket: WebSocket, deadline: float) -> tuple[dict[int, bytearray], bool]:
    """What came on each channel, and whether some of it was dropped."""
    outputs = {channel: bytearray() for channel in (_STDOUT, _STDERR, _STATUS)}
    cut = False
    while True:
        if outputs[_STATUS]:
            deadline = min(deadline, monotonic() + _PARTING)
        try:
            message = socket.receive(deadline)
        except OSError:
            if outputs[_STATUS]:
                return outputs, cut  # not every server says goodbye
            raise
        if message is None:
            return outputs, cut
        kept = outputs.get(message[0]) if message else None
        if kept is not None:
            room = (_LONGEST_STATUS if message[0] == _STATUS else _KEPT) - len(kept)
            cut |= len(message) - 1 > room
            kept += message[1:][:room]


def _ended(status: bytes) -> tuple[int | None, str]:
    """The exit code, or why there is none."""
    try:
        ending = _ENDING.decode(status)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, both_ends(status.decode(errors="replace"))
    if ending.status == "Success":
        return 0, ""
    if ending.reason == "NonZeroExitCode":
        causes = ending.details.causes if ending.details is not None else None
        code = next((cause.message for cause in causes or () if cause.reason == "ExitCode"), "")
        if re.fullmatch(r"-?\d{1,10}", code):
            return int(code), ""
    if worded := _WORDED.search(ending.message):
        return int(worded[1]), ""
    return None, both_ends(ending.message) or "it could not be started"
