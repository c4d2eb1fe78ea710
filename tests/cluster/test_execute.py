"""Commands in containers: how they end, what they say, and what a pod sees of DNS through them."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.pods import getent as looking
from kubectl_pets.cluster.pods.execute import ExecResult, run_in
from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.errors import ForbiddenError, InvalidError, NotFoundError, UnreachableError, UsageError
from tests.cluster.loopback import Answer, Handler, Loopback, drop
from tests.cluster.loopback import status as status_body
from tests.cluster.peer import CLOSE, Peer

_PATH = "/exec"
_SUCCESS = json.dumps({"status": "Success"}).encode()


def failure(code: int | None = None, message: str = "") -> bytes:
    """The Status of a command that ended with a code, or could not be started."""
    if code is None:
        return status_body(500, message, "InternalError")
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return status_body(0, f"command terminated with non-zero exit code: {code}", "NonZeroExitCode", causes=causes)


def saying(*messages: bytes, protocol: str | None = None, goodbye: bool = True) -> Callable[[Handler], None]:
    def behave(handler: Handler) -> None:
        peer = Peer(handler, protocol)
        for message in messages:
            peer.send(message)
        if goodbye:
            peer.send(b"\x03\xe8", CLOSE)
        else:
            handler.loopback.ended.wait(20)

    return behave


def run(client: Client, *command: str, timeout: float = 10.0) -> ExecResult:
    return run_in(client._transport, "x", "web-0", "main", command or ("true",), timeout)


def test_what_is_asked_for(server: Loopback, client: Client) -> None:
    server.fault(saying(b"\x03" + _SUCCESS), path=_PATH)
    run(client, "getent", "ahosts", "a b; $(rm -rf /)")
    [seen] = server.requests(_PATH)
    assert seen.path == "/api/v1/namespaces/x/pods/web-0/exec"
    assert seen.query == {"command": "getent", "container": "main", "stdout": "true", "stderr": "true"}
    assert seen.headers["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io, v4.channel.k8s.io"


def test_every_word_of_the_command_arrives_as_it_is(server: Loopback, client: Client) -> None:
    words = ["sh", "-c", 'echo "$1" & # %20+', "", "ü"]
    paths: list[str] = []

    def behave(handler: Handler) -> None:
        paths.append(handler.path)
        saying(b"\x03" + _SUCCESS)(handler)

    server.fault(behave, path=_PATH)
    run(client, *words)
    assert parse_qs(urlsplit(paths[0]).query, keep_blank_values=True)["command"] == words


@pytest.mark.parametrize(
    "status, expected",
    [
        (_SUCCESS, (0, "")),
        (failure(2), (2, "")),
        (failure(137), (137, "")),
        (failure(None, 'exec: "getent": executable file not found in $PATH'), (None, 'exec: "getent": executable file not found in $PATH')),
        (failure(None, "error executing command in container: cmd wait: sh: exit status 3"), (3, "")),  # as KWOK says it
        (failure(None, ""), (None, "it could not be started")),
        (b"not \x1b[31mJSON", (None, "not JSON")),
        (status_body(0, "", "NonZeroExitCode", causes=[{"reason": "ExitCode", "message": "many"}]), (None, "it could not be started")),
    ],
)
def test_how_a_command_ended(server: Loopback, client: Client, status: bytes, expected: tuple[int | None, str]) -> None:
    server.fault(saying(b"\x03" + status), path=_PATH)
    result = run(client)
    assert (result.exit_code, result.problem) == expected


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
def test_what_a_command_says_on_both_channels(server: Loopback, client: Client, protocol: str) -> None:
    messages = (b"\x01", b"\x01one ", b"\x02bad ", b"\x01two\xff", b"\x02worse", b"\x03" + failure(1), b"\x01 late", b"\x07?", b"")
    server.fault(saying(*messages, protocol=protocol), path=_PATH)
    result = run(client)
    assert (result.exit_code, result.stdout, result.stderr, result.cut) == (1, "one two\N{REPLACEMENT CHARACTER} late", "bad worse", False)


def test_a_server_that_does_not_say_goodbye(server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.pods.execute._PARTING", 0.1)
    server.fault(saying(b"\x01done", b"\x03" + _SUCCESS, goodbye=False), path=_PATH)
    result = run(client)
    assert (result.exit_code, result.stdout) == (0, "done")


def test_output_without_end_is_cut_and_the_end_is_still_seen(server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.pods.execute._KEPT", 10)
    server.fault(saying(*[b"\x01abcdef"] * 100, b"\x02fine", b"\x03" + _SUCCESS), path=_PATH)
    result = run(client)
    assert (result.stdout, result.stderr, result.cut, result.exit_code) == ("abcdefabcd", "fine", True, 0)


def test_a_command_that_does_not_end(server: Loopback, client: Client) -> None:
    server.fault(saying(b"\x01hm", goodbye=False), path=_PATH)
    with pytest.raises(UnreachableError, match="^sleep in pod web-0 did not end within 0.2 s$"):
        run(client, "sleep", "1000", timeout=0.2)


@pytest.mark.parametrize("behaviour", [saying(b"\x01half"), lambda handler: Peer(handler).cut(), saying(b"\x03")])
def test_a_command_whose_end_was_not_told_has_not_ended_well(server: Loopback, client: Client, behaviour: Callable[[Handler], None]) -> None:
    server.fault(behaviour, path=_PATH)
    with pytest.raises(UnreachableError, match="lost the command in pod web-0"):
        run(client)


def test_a_refusal_is_never_asked_again(server: Loopback, client: Client) -> None:
    for answer, expected in ((Answer(403), ForbiddenError), (Answer(404), NotFoundError), (Answer(400, message="container main is not valid"), InvalidError)):
        server.fault(answer, path=_PATH)
        with pytest.raises(expected, match="create pods/exec web-0 in namespace x"):
            run(client)
    server.fault(drop, path=_PATH)
    with pytest.raises(UnreachableError):
        run(client)
    assert len(server.requests(_PATH)) == 4


# --- what a pod sees ---------------------------------------------------------------------------------------------------------


def image(server: Loopback, commands: dict[tuple[str, ...], bytes | tuple[int, str]], times: int = 50) -> None:
    """A container that has these commands: what they print, or a code and what they print to stderr."""

    def behave(handler: Handler) -> None:
        command = tuple(parse_qs(urlsplit(handler.path).query)["command"])
        result = commands.get(command)
        if isinstance(result, bytes):
            saying(b"\x01" + result, b"\x03" + _SUCCESS)(handler)
        elif result is not None:
            saying(b"\x02" + result[1].encode(), b"\x03" + failure(result[0]))(handler)
        else:
            saying(b"\x03" + failure(None, f'exec: "{command[0]}": executable file not found in $PATH'))(handler)

    server.fault(behave, path=_PATH, times=times)


@pytest.fixture
def pod(server: Loopback) -> dict[str, Any]:
    return server.world.put("pods", "web-0", spec={"containers": [{"name": "proxy"}, {"name": "main"}]})


_CONF = b"search x.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"


def test_a_pod_with_getent(server: Loopback, client: Client, pod: dict[str, Any]) -> None:
    lines = b"10.0.0.1       STREAM web-1.nginx\n10.0.0.1       DGRAM\n10.0.0.1       RAW\nfd00::0:1      STREAM\nfe80::1%eth0   STREAM\n"
    image(server, {("cat", "/etc/resolv.conf"): _CONF, ("getent", "ahosts", "web-1.nginx"): lines, ("getent", "ahosts", "web-9.nginx"): (2, "")})
    view = client.look_from("x", "web-0", ["web-1.nginx", "web-9.nginx"])
    assert view == ClientView(pod="web-0", resolv_conf=_CONF.decode(), getent={"web-1.nginx": ("10.0.0.1", "fd00::1", "fe80::1"), "web-9.nginx": ()})
    assert {seen.query["container"] for seen in server.requests(_PATH)} == {"proxy"}


def test_a_pod_says_which_container_is_meant(server: Loopback, client: Client) -> None:
    server.world.put("pods", "web-0", metadata={"annotations": {"kubectl.kubernetes.io/default-container": "main"}}, spec={"containers": [{"name": "proxy"}, {"name": "main"}]})
    image(server, {("cat", "/etc/resolv.conf"): _CONF})
    assert client.look_from("x", "web-0", []).resolv_conf == _CONF.decode()
    assert server.requests(_PATH)[0].query["container"] == "main"


def test_a_getent_that_knows_no_ahosts(server: Loopback, client: Client, pod: dict[str, Any]) -> None:
    image(server, {("cat", "/etc/resolv.conf"): _CONF, ("getent", "ahosts", "a"): (1, "Unknown database: ahosts"), ("getent", "hosts", "a"): b"10.0.0.1        a\n"})
    assert client.look_from("x", "web-0", ["a"]) == ClientView(pod="web-0", resolv_conf=_CONF.decode(), getent={"a": ("10.0.0.1",)})


@pytest.mark.parametrize(
    "output",
    [
        b"Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\ta.x\nAddress: 10.0.0.1\nName:\ta.x\nAddress: fd00::1\n\n",
        b"Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system\n\nName:      a\nAddress 1: 10.0.0.1 web-1.x\nAddress 2: fd00::1 web-1.x\n",
    ],
)
def test_a_busybox(server: Loopback, client: Client, pod: dict[str, Any], output: bytes) -> None:
    image(server, {("cat", "/etc/resolv.conf"): _CONF, ("nslookup", "a"): output, ("nslookup", "b"): (1, "** server can't find b: NXDOMAIN")})
    view = client.look_from("x", "web-0", ["a", "b"])
    assert (view.getent, view.trouble, view.tool) == ({"a": ("10.0.0.1", "fd00::1"), "b": ()}, "", "nslookup")


@pytest.mark.parametrize("said", ["can't resolve 'b'", "** server can't find b.x.svc.cluster.local: NXDOMAIN", "** server can't find b: SERVFAIL"])
def test_what_nslookup_does_not_find_need_not_be_missing(server: Loopback, client: Client, pod: dict[str, Any], said: str) -> None:
    image(server, {("cat", "/etc/resolv.conf"): _CONF, ("nslookup", "b"): (1, said)})
    view = client.look_from("x", "web-0", ["b"])
    assert view.getent == {} and view.trouble == f"nslookup b: {said}"


def test_an_image_without_anything(server: Loopback, client: Client, pod: dict[str, Any]) -> None:
    image(server, {})
    view = client.look_from("x", "web-0", ["a"])
    assert (view.resolv_conf, view.getent) == (None, {})
    assert view.trouble == 'cat /etc/resolv.conf: exec: "cat": executable file not found in $PATH'
    server.mend()
    image(server, {("cat", "/etc/resolv.conf"): _CONF})
    view = client.look_from("x", "web-0", ["a"])
    assert (view.resolv_conf, view.getent) == (_CONF.decode(), {})
    assert view.trouble.startswith("the image has neither getent nor nslookup: ")


def test_exec_that_is_denied_is_told(server: Loopback, client: Client, pod: dict[str, Any]) -> None:
    server.fault(Answer(403, message='User "x" cannot create resource "pods/exec"'), path=_PATH)
    view = client.look_from("x", "web-0", ["a"])
    assert (view.resolv_conf, view.getent) == (None, {})
    assert view.trouble.startswith("not allowed to create pods/exec web-0 in namespace x")


def test_what_goes_wrong_half_way_leaves_the_rest(server: Loopback, client: Client, pod: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_AT_ONCE", 1)
    known: dict[tuple[str, ...], bytes | tuple[int, str]] = {("getent", "ahosts", name): b"10.0.0.1 STREAM\n" for name in "abc"}
    image(server, {("cat", "/etc/resolv.conf"): _CONF, **known}, times=3)  # resolv.conf, the trial and a
    server.fault(Answer(500, message="out of order"), path=_PATH)
    image(server, known)
    view = client.look_from("x", "web-0", ["a", "b", "c"])
    assert view.getent == {"a": ("10.0.0.1",), "c": ("10.0.0.1",)}
    assert "out of order" in view.trouble


def test_names_that_are_no_names_and_pods_that_are_not_there(server: Loopback, client: Client) -> None:
    for name in ("-s", "", "a b", "a;b"):
        with pytest.raises(UsageError, match="is not a host's name"):
            client.look_from("x", "web-0", [name])
    with pytest.raises(NotFoundError, match='pods "web-0" not found'):
        client.look_from("x", "web-0", ["a"])


def test_many_names_do_not_take_one_after_the_other(server: Loopback, client: Client, pod: dict[str, Any]) -> None:
    """Eight at a time: each answer is held back until eight are waiting."""
    waiting: list[float] = []

    def behave(handler: Handler) -> None:
        waiting.append(time.monotonic())
        deadline = time.monotonic() + 10
        while len(waiting) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        saying(b"\x0110.0.0.1 STREAM\n", b"\x03" + _SUCCESS)(handler)

    names = [f"web-{number}" for number in range(8)]
    image(server, {("cat", "/etc/resolv.conf"): _CONF, ("getent", "ahosts", "web-0"): b"10.0.0.1 STREAM\n"}, times=2)
    server.fault(behave, path=_PATH, times=8)
    assert set(client.look_from("x", "web-0", names).getent) == set(names)
    assert max(waiting) - min(waiting) < 10
