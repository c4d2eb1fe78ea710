"""Types are made known to the decoder by one thread at a time.

msgspec looks at a type when it first decodes into it. Two threads that do so at once crash the interpreter (seen with msgspec 0.22 and
Python 3.11, in one run of three hundred on two busy cores), with nothing said and whatever was under way left as it stands.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.loopback import Answer, Loopback, pod, stateful_set

_LOOKS = """
import sys, threading
looked = []
def hook(frame, event, arg):
    if event == "call" and frame.f_code.co_name in ("get_class_annotations", "get_typeddict_info", "get_dataclass_info"):
        looked.append(threading.current_thread().name)
threading.setprofile(hook)
from kubectl_pets.__main__ import run
from kubectl_pets.session import Session, Terminal
terminal = Terminal(sys.stdin, sys.stderr, sys.stderr, {})
codes = [int(run([*words.split(), "-n", "x", "--kubeconfig", sys.argv[1]], Session(terminal=terminal))) for words in sys.argv[2:]]
print(codes, looked)
"""


@pytest.fixture
def config(server: Loopback, tmp_path: Path) -> Path:
    text = f"""
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "{server.url}"}}}}]
contexts: [{{name: here, context: {{cluster: here}}}}]
"""
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_thread_looks_at_a_type(server: Loopback, config: Path) -> None:
    """Lists, reviews and refusals, each asked for by several threads."""
    stateful_set(server.world)
    for ordinal in range(3):
        pod(server.world, f"web-{ordinal}")
    server.allowed = lambda asked: asked["verb"] != "patch"
    words = ["rollout restart web -y", "status web", "list", "status nobody", "rollout history web"]
    done = subprocess.run(
        [sys.executable, "-c", _LOOKS, str(config), *words], capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1, 3, 0, 1, 0] []", done.stdout + done.stderr


@pytest.mark.parametrize("code", [403, 500])
def test_no_thread_looks_at_a_type_of_a_refusal(server: Loopback, config: Path, code: int) -> None:
    stateful_set(server.world)
    server.fault(Answer(code), path="/pods", times=50)
    server.fault(Answer(code), path="/controllerrevisions", times=50)
    server.fault(Answer(code), path="/persistentvolumeclaims", times=50)
    done = subprocess.run(
        [sys.executable, "-c", _LOOKS, str(config), "status web", "list"],
        capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False,
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("[]"), done.stdout + done.stderr
