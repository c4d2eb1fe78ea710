"""What a pod itself sees of DNS: its resolv.conf, and what its C library makes of a name.

Only commands that images have anyway are run, and none that changes anything. getent asks as programs do, hosts file and search
list included; where an image has none (busybox), its nslookup comes nearest.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.objects.kinds import PODS
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.pods.execute import ExecResult, run_in
from kubectl_pets.cluster.pods.requests import default_container
from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.errors import PetsError, UsageError

#: Seconds for one command; a resolver that gets no answer gives up after some ten.
_TIMEOUT = 15.0

#: Commands that run at the same time.
_AT_ONCE = 8

#: The ways to look a name up, best first. glibc's getent knows ahosts, which tells both address families.
_WAYS = (("getent", "ahosts"), ("getent", "hosts"), ("nslookup",))

#: What getent says with its exit code: found, and no such name (getent(1)).
_FOUND, _UNKNOWN = 0, 2

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

_Run = Callable[[Sequence[str]], ExecResult]


def look_from(transport: Transport, reader: Reader, namespace: str, pod: str, names: Sequence[str]) -> ClientView:
    """As ``ports.dns.DnsPort.look_from``."""
    for name in names:
        if not _HOST.fullmatch(name):  # it must not be taken for an option
            raise UsageError(f"{clean(name, 100)} is not a host's name")
    found = reader.one(PODS, namespace, pod)
    container = default_container(found)

    def run(command: Sequence[str]) -> ExecResult:
        return run_in(transport, namespace, pod, container, command, _TIMEOUT)

    try:
        conf = run(["cat", "/etc/resolv.conf"])
    except PetsError as error:
        return ClientView(pod=pod, trouble=error.message)
    resolv_conf, trouble = (conf.stdout, "") if conf.exit_code == 0 else (None, _why("cat /etc/resolv.conf", conf))
    getent: dict[str, tuple[str, ...]] = {}
    way = 0
    if names:
        way, trouble = _usable(run, names[0], trouble)
    left = list(names) if way < len(_WAYS) else []
    while left:
        some, left = left[:_AT_ONCE], left[_AT_ONCE:]
        looked = together([_looking(run, _WAYS[way], name) for name in some])
        for name, (addresses, problem) in zip(some, looked):
            if addresses is not None:
                getent[name] = addresses
            trouble = trouble or problem
    tool = _WAYS[way][0] if way < len(_WAYS) else _WAYS[0][0]
    return ClientView(pod=pod, resolv_conf=resolv_conf, getent=getent, tool=tool, trouble=trouble)


def _usable(run: _Run, name: str, trouble: str) -> tuple[int, str]:
    """The first way that the image has; as many as there are ways: it has none, with why."""
    for number, way in enumerate(_WAYS):
        try:
            result = run([*way, name])
        except PetsError as error:
            return len(_WAYS), trouble or error.message
        if _has(way, result):
            return number, trouble
    return len(_WAYS), trouble or f"the image has neither getent nor nslookup: {_why(' '.join(_WAYS[-1]), result)}"


def _has(way: Sequence[str], result: ExecResult) -> bool:
    """Whether the image has that command, as its result shows. Shells and runtimes say 126 or 127 where one is missing."""
    if result.exit_code is None or result.exit_code in (126, 127):
        return False
    return way[0] != "getent" or result.exit_code in (_FOUND, _UNKNOWN)


def _looking(run: _Run, way: Sequence[str], name: str) -> Callable[[], tuple[tuple[str, ...] | None, str]]:
    """A call that looks one name up in the pod: its addresses, or None and why they could not be looked up."""

    def look() -> tuple[tuple[str, ...] | None, str]:
        try:
            result = run([*way, name])
        except PetsError as error:
            return None, error.message
        if not _has(way, result):
            return None, _why(" ".join([*way, name]), result)
        found = _addresses(way, result.stdout)
        if not found and way[0] == "nslookup" and not _is_unknown(name, result):
            return None, _why(" ".join([*way, name]), result)
        return found, ""

    return look


def _is_unknown(name: str, result: ExecResult) -> bool:
    """Whether nslookup says NXDOMAIN of this very name. Anything else may be its own doing: it fails where one of the two address
    families has no record, and where it does not search."""
    return re.search(rf"find {re.escape(name)}\.?: NXDOMAIN", f"{result.stdout}\n{result.stderr}") is not None


def _addresses(way: Sequence[str], output: str) -> tuple[str, ...]:
    """getent begins each line with an address. nslookup names its server first, then the name and ``Address: ...``, which
    older ones number, and follow with a name."""
    words: list[str] = []
    if way[0] == "getent":
        words = [line.split()[0] for line in output.splitlines() if line.split()]
    else:
        _, _, after = output.partition("Name:")
        words = re.findall(r"^Address(?: \d+)?:\s*(\S+)", after, re.MULTILINE)
    found: dict[str, None] = {}
    for word in words:
        try:
            found[ip_address(word.partition("%")[0]).compressed] = None
        except ValueError:
            continue
    return tuple(found)


def _why(command: str, result: ExecResult) -> str:
    said = result.problem or clean(result.stderr, 200) or f"exit code {result.exit_code}"
    return f"{command}: {said}"
