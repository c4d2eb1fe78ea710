"""--timeout holds against a server that takes a request and says nothing, or never comes to the end of what it says."""

import io
import json
import time
from pathlib import Path

import pytest

from kubectl_pets.__main__ import run
from kubectl_pets.session import Session, Terminal
from tests.cluster.conftest import kubeconfig, write
from tests.cluster.loopback import Handler, Loopback, Mischief, list_of, pod, stall, stateful_set


def drip(handler: Handler) -> None:
    """A byte now and then, for as long as somebody listens."""
    body = json.dumps(list_of("pods")).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body) + 10_000))
    handler.end_headers()
    try:
        handler.wfile.write(body)
        while not handler.loopback.ended.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        handler.cut()


def drip_headers(handler: Handler) -> None:
    """A byte of a header now and then, and never the last one."""
    handler.send_response(200)
    handler.flush_headers()
    try:
        while not handler.loopback.ended.wait(0.05):
            handler.wfile.write(b"X")
            handler.wfile.flush()
    except OSError:
        handler.cut()


@pytest.mark.parametrize("mischief", [stall, drip, drip_headers])
@pytest.mark.parametrize("verb", [["status", "web", "-w"], ["rollout", "promote", "web"], ["scale", "web", "--replicas", "5", "-y"]], ids=lambda verb: verb[0])
def test_a_silent_server_does_not_outlast_the_timeout(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str], mischief: Mischief
) -> None:
    monkeypatch.setattr("kubectl_pets.cli.options._LEEWAY", 0.3)
    stateful_set(server.world, "web")
    pod(server.world, "web-0")
    server.fault(mischief, path="/pods", watch=None, times=1000)
    config = write(tmp_path / "kubeconfig.yaml", kubeconfig(server.url, context={"namespace": "x"}))
    out, err = io.StringIO(), io.StringIO()
    began = time.monotonic()
    code = run([*verb, "--timeout", "500ms", "--kubeconfig", str(config)], Session(terminal=Terminal(io.StringIO(), out, err)))
    assert time.monotonic() - began < 10
    assert code != 0 and err.getvalue().startswith("error: "), (code, out.getvalue(), err.getvalue())
    assert "in time" in err.getvalue() or "timed out" in err.getvalue(), err.getvalue()
