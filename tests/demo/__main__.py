"""Plays the demo: a real API server, real controllers, real kubectl, and ``kubectl pets`` doing what it is for.

Every act says what it expects of the exit code and the demo fails where that does not come true, so it cannot rot unseen.
``KEEP=1`` leaves the control plane up.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import controlplane
from tests.controlplane.processes import die_with_parent

_WEB = Path(__file__).with_name("web.yaml")


class _Stage:
    """Where the demo plays: prints each command as a person would type it, and runs it."""

    def __init__(self, kubeconfig: Path) -> None:
        self._environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}

    def say(self, text: str) -> None:
        print(f"\n# {text}", flush=True)

    def run(self, command: str, *, expect: int = 0) -> None:
        print(f"$ {command}", flush=True)
        code = subprocess.run(command.split(), env=self._environ, check=False).returncode
        if code != expect:
            sys.exit(f"demo: '{command}' ended with exit code {code}, expected {expect}")
        if code:
            print(f"(exit code {code})", flush=True)


def _roll_out(stage: _Stage) -> None:
    stage.say("A headless Service and a StatefulSet with three replicas and a claim template.")
    stage.run(f"kubectl create -f {os.path.relpath(_WEB)}")
    stage.run("kubectl pets status web --watch --timeout 2m")

    stage.say("Every StatefulSet in one line.")
    stage.run("kubectl pets list")

    stage.say("A new image, but only on the pod with the highest ordinal: a canary.")
    stage.run("kubectl pets rollout canary web --image nginx:1.27 --timeout 2m")
    stage.say("It stands there until somebody says so. Positions, ordinals, and who has what:")
    stage.run("kubectl pets partition web")
    stage.say("Not complete, and the exit code says so (3: not done yet).")
    stage.run("kubectl pets status web", expect=3)

    stage.say("One more pod, then the rest.")
    stage.run("kubectl pets rollout step web --timeout 2m")
    stage.run("kubectl pets rollout promote web --timeout 2m")
    stage.run("kubectl pets list")

    stage.say("Now an image that cannot be pulled. What would happen?")
    stage.run("kubectl pets rollout run web --image nginx:broken --dry-run")
    stage.say("It gets stuck on the first pod. The rollout stops there, goes back by itself, and says so (4: stuck).")
    stage.run("kubectl pets rollout run web --image nginx:broken --on-stuck abort --patience 5s --timeout 2m", expect=4)
    stage.say("All three pods run the old revision again; the bad one is only staged.")
    stage.run("kubectl pets status web", expect=3)
    stage.run("kubectl pets list")

    stage.say("The repaired image, the whole way, in one command.")
    stage.run("kubectl pets rollout run web --image nginx:1.28 --settle 1s --timeout 2m")
    stage.run("kubectl pets list")


def _clear_up(stage: _Stage, records: Path) -> None:
    stage.say("Second act: the set shrinks to one pod. Its claims stay behind, with their data.")
    stage.run("kubectl scale statefulset web --replicas=1")
    stage.run("kubectl wait --for=condition=Unused pvc/www-web-1 pvc/www-web-2 --timeout=60s")
    stage.say("Which claims will nobody want again, and what would deleting them destroy?")
    stage.run("kubectl pets orphans")
    stage.run("kubectl pets orphans explain www-web-2")
    stage.say("Delete one. The data survives: its volume is set to Retain first.")
    stage.run("kubectl pets orphans delete www-web-2 --dry-run")
    stage.run(f"kubectl pets orphans delete www-web-2 -y --record {records}")
    stage.run("kubectl get persistentvolumes")
    stage.say("It was needed after all. The claim comes back onto the same volume, and the pod with it.")
    (record,) = records.glob("*.json")
    stage.run(f"kubectl pets orphans restore {record}")
    stage.run("kubectl scale statefulset web --replicas=3")
    stage.run("kubectl pets status web --watch --timeout 2m")


def _resolve(stage: _Stage, plane: controlplane.ControlPlane) -> None:
    stage.say("Third act: names. Two replicas of CoreDNS start as the cluster's DNS, each with a cache of its own.")
    plane.standard_dns()
    stage.say("What should resolve, what the EndpointSlices say, and what each replica really answers:")
    stage.run("kubectl pets dns web")
    stage.say("A pod stops being ready. Its name is withdrawn, the caches still answer with it, and --check says so (7: findings).")
    stage.run("kubectl label pod web-1 kubectl-pets.test/unready=true")
    stage.run("kubectl wait --for=condition=Ready=false pod/web-1 --timeout=60s")
    stage.run("kubectl pets dns web --check", expect=7)
    stage.say("The whole chain for one pod, and what to do.")
    stage.run("kubectl pets dns explain web web-1")
    stage.say("It recovers; wait until every name resolves everywhere.")
    stage.run("kubectl label pod web-1 kubectl-pets.test/unready-")
    stage.run("kubectl pets dns web --watch --timeout 2m")


@contextlib.contextmanager
def _dns_server_in_the_making() -> Iterator[None]:
    """CoreDNS is first needed in the third act, and the two before it mostly wait: it is built meanwhile, where it was not before.
    The act waits for it and says so; what went wrong with it is said there, too."""
    command = ["nice", sys.executable, "-m", "tests.controlplane", "build", "--only", "coredns"]
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, preexec_fn=die_with_parent()) as process:
        try:
            yield
        finally:
            process.terminate()


def _play(plane: controlplane.ControlPlane) -> None:
    stage = _Stage(plane.kubeconfig)
    with _dns_server_in_the_making(), tempfile.TemporaryDirectory(prefix="pets-demo-") as records:
        _roll_out(stage)
        _clear_up(stage, Path(records))
        _resolve(stage, plane)


def main() -> None:
    if os.environ.get("KEEP"):
        plane = controlplane.up()
        _play(plane)
        print(f"\n# The control plane is still up. To use it:\n  export KUBECONFIG={plane.kubeconfig}")
        print("  export PATH=$PWD/.venv/bin:$PATH")
        print("  kubectl pets list -A")
        print("# To end it:\n  .venv/bin/python -m tests.controlplane down")
        return
    with controlplane.running() as plane:
        _play(plane)
    print("\n# That was it. Nothing is left running; 'make demo KEEP=1' leaves the control plane up.")


if __name__ == "__main__":
    main()
