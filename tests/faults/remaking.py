"""A set that is made again, disturbed: killed right behind each of its changes and at random moments, and met by somebody else in the
moment without a set. Each round has a namespace of its own, and a set that owns its claims, which a deletion could take with it.
Where its claims grow as well (`resize`), the real resizer grows them over the CSI driver of the tests.

However it ends, there has to be a set, every byte on its volumes and every pod that nobody took down; and either all is as asked for
and nothing of the work is left behind, or the program has said why not.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.commands.gate import Gate
from tests.commands.middle import Heard, Middle, Passing, middle
from tests.commands.plugin import manifest
from tests.faults import outage
from tests.faults.figures import Outcome
from tests.faults.ground import Ended, Ground

#: What is done to a round; kills are met at every change, in turn.
KINDS = (
    "kill", "two", "kill", "somebody first", "deployer first", "kill", "pod dies", "quota", "kill", "server away",
    "killed in the gap", "answer lost", "another comes by", "killed growing", "claim deleted", "two growing", "quota growing",
)
_KILLS = KINDS.count("kill")

#: Takes a control plane of its own.
STOPPED = "server stopped in the gap"
_STOPPED_SECONDS = 5.0

_BYTES = 4096
_RECREATE = ("recreate", "web", "--set", "volumeClaimTemplates[data].storage=2Mi", "-y")
_RESIZE = ("resize", "web", "2Mi", "-y")
#: With these the claims grow first, which are so many changes more.
_GROWING = ("killed growing", "two growing", "quota growing")
_CLAIMS = 3
_MARK = "kubectl-pets/recreating"

#: Of one run, at least; reads and changes.
_REQUESTS = 55

#: Changes of one run: the record, three claims and the set marked, deleted, created, the marks taken off, the record deleted.
CHANGES = 12


def play(ground: Ground, number: int, rng: Random, kind: str = "") -> Outcome:
    """One set, made again once. ``kind``: not the one whose turn it is."""
    kind = kind or KINDS[number % len(KINDS)]
    outcome = Outcome("remaking", number, kind, retained=0, lost=0)
    began = time.monotonic()
    own = Ground(ground.plane, f"remaking-{number}-{ground.new_name().removeprefix('quiet-')}")
    ground.plane.create_namespace(own.namespace)
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(own, outcome, grows=kind in _GROWING)
        scene.make()
        with closing(_Writes(scene)) as writes:
            _Fault(scene, kind, _turn(number), Path(folder), rng, writes).play()
        outcome.problems += scene.problems()
    ground.plane.delete_namespace(own.namespace)
    outcome.seconds = time.monotonic() - began
    return outcome


def _turn(number: int) -> int:
    """How many rounds that kill at the changes in turn came before; of those in which claims grow there is one each time."""
    if KINDS[number % len(KINDS)] == "killed growing":
        return number // len(KINDS)
    whole, rest = divmod(number, len(KINDS))
    return whole * _KILLS + KINDS[:rest].count("kill")


class Scene:
    """The set, and how it was before."""

    def __init__(self, ground: Ground, outcome: Outcome, *, grows: bool) -> None:
        self.ground, self.outcome, self.plugin = ground, outcome, ground.plugin
        self.storage = ground.plane.standard_storage() if grows else None
        self.words: tuple[str, ...] = _RESIZE if grows else _RECREATE
        self.changes = CHANGES + _CLAIMS * grows
        self.files: dict[str, Path] = {}
        self.claims: dict[str, str] = {}
        self.pods: dict[str, str] = {}
        self.fields: list[str] = []
        self.revisions: list[str] = []
        #: Pods that somebody takes down on purpose.
        self.taken: set[str] = set()
        #: Whether somebody else creates the set with what it had.
        self.put_back = False

    def make(self) -> None:
        pets = self.plugin
        retention = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}"
        body = yaml.safe_load(manifest(policy="Parallel", claims=True, extra=retention))
        if self.storage is not None:
            body["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = self.storage.storage_class(expand_takes="300ms")
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(body))
        pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
        pets.eventually(self._owned, "the set owns its claims")
        for claim in pets.get("pvc")["items"]:
            file = self._folder(claim["spec"]["volumeName"]) / "precious"
            file.write_bytes(b"x" * _BYTES)
            self.files[claim["metadata"]["name"]] = file
        self.claims = self._claims()
        self.pods, self.fields, self.revisions = pets.uids(), self._fields(), self._revisions()

    def _folder(self, volume: str) -> Path:
        if self.storage is not None:
            return self.storage.data(volume)
        found = json.loads(self.plugin.plane.kubectl("get", "pv", volume, "-o", "json").stdout)
        return Path(found["spec"]["hostPath"]["path"])

    def _owned(self) -> bool:
        uid = self.plugin.set()["metadata"]["uid"]
        claims = self.plugin.get("pvc")["items"]
        return all([owner["uid"] for owner in each["metadata"].get("ownerReferences", [])] == [uid] for each in claims)

    def _claims(self) -> dict[str, str]:
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in self.plugin.get("pvc")["items"]}

    def _fields(self) -> list[str]:
        found = json.loads(self.plugin.kubectl("get", "sts", "web", "-o", "json", "--show-managed-fields"))
        entries = found["metadata"]["managedFields"]
        return sorted(f"{each['manager']} {json.dumps(each['fieldsV1'], sort_keys=True)}" for each in entries if not each.get("subresource"))

    def _revisions(self) -> list[str]:
        return sorted(f"{each['metadata']['uid']} {each['revision']}" for each in self.plugin.get("controllerrevisions")["items"])

    def problems(self) -> list[str]:
        """Everything that is not as it has to be, once controllers had their time."""
        pets = self.plugin
        lost = sum(_BYTES - (file.stat().st_size if file.exists() else 0) for file in self.files.values())
        self.outcome.retained, self.outcome.lost = _BYTES * len(self.files), lost
        found = [f"{lost} bytes lost"] if lost else []
        if not pets.kubectl("get", "sts", "web", "--ignore-not-found", "-o", "name"):
            return [*found, "there is no set"]
        pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
        pets.eventually(self._owned, "the set owns its claims again")
        owner = pets.set()
        size = owner["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
        found += [] if size == ("1Mi" if self.put_back else "2Mi") else [f"the template says {size}"]
        kept = {name: uid for name, uid in self.pods.items() if name not in self.taken}
        again = {name for name, uid in pets.uids().items() if name in kept and kept[name] != uid}
        found += [f"started again: {sorted(again)}"] if again else []
        found += [] if self._claims() == self.claims else ["other claims than before"]
        sizes = {each["status"]["capacity"]["storage"] for each in pets.get("pvc")["items"]}
        found += [] if sizes == {"2Mi" if self.storage is not None else "1Mi"} else [f"the claims have {sizes}"]
        found += [] if self._revisions() == self.revisions else ["other revisions than before"]
        found += [] if self.put_back or self._fields() == self.fields else ["other owners of fields than before"]
        marked = [each["metadata"]["name"] for each in (*pets.get("pvc")["items"], owner) if _MARK in each["metadata"].get("annotations", {})]
        found += [f"marks are left: {marked}"] if marked else []
        left = "kubectl-pets-recreate" in pets.kubectl("get", "configmaps", "-o", "name")
        return found + (["the record is left"] if left else [])


class _Fault:
    def __init__(self, scene: Scene, kind: str, turn: int, folder: Path, rng: Random, writes: _Writes) -> None:
        self._scene, self._kind, self._turn, self._folder, self._rng = scene, kind, turn, folder, rng
        self._writes = writes

    def play(self) -> None:
        match self._kind:
            case "kill" | "killed growing":
                self._kill()
            case "two" | "two growing":
                self._two()
            case "quota growing":
                self._full()
            case _:
                self._gap()

    def _end(self, ended: Ended, expected: tuple[int, ...] = (0,)) -> None:
        self._scene.outcome.codes.append(ended.code)
        if ended.code not in expected:
            self._scene.outcome.problems.append(f"ended with {ended.code}: {' | '.join(ended.stderr.strip().splitlines()[-4:])}")

    def _kill(self) -> None:
        """Right behind a change, each in its turn, or at a random moment; again and again."""
        outcome, changes = self._scene.outcome, self._scene.changes
        nth = self._turn % changes + 1
        while outcome.kills < 4:
            process = self._scene.ground.start(self._scene.words)
            began = time.monotonic()
            moment = began + self._rng.uniform(0, 3.0)
            by_change = outcome.kills == 0 or self._rng.random() < 0.5
            there = self._writes.count()
            while process.poll() is None and (self._writes.count() < there + nth if by_change else time.monotonic() < moment):
                time.sleep(0.002)
            if process.poll() is not None or (outcome.kills and self._rng.random() < 0.3):
                self._end(self._scene.ground.finish(process, began))
                break
            process.kill()
            self._scene.ground.finish(process, began)
            outcome.kills += 1
            outcome.retypes += 1
            nth = self._rng.randint(1, changes)
        self._end(self._scene.ground.type(self._scene.words))

    def _two(self) -> None:
        """At once, and one of them stands still for a while, or is killed."""
        began = time.monotonic()
        words = self._scene.words
        first, second = self._scene.ground.start(words), self._scene.ground.start(words)
        nth = self._rng.randint(1, self._scene.changes)
        while first.poll() is None and self._writes.count() < nth:
            time.sleep(0.002)
        if first.poll() is None:
            first.send_signal(signal.SIGSTOP)
            time.sleep(self._rng.uniform(0, 2.0))
            killed = self._rng.random() < 0.5
            self._scene.outcome.kills += killed
            first.send_signal(signal.SIGKILL if killed else signal.SIGCONT)
            self._scene.outcome.faults += 1
        self._end(self._scene.ground.finish(first, began), (0, -9))
        self._end(self._scene.ground.finish(second, began))
        self._end(self._scene.ground.type(words))

    def _full(self) -> None:
        """Somebody takes the place that the other claims were to have, once the first has grown."""
        plugin = self._scene.plugin
        began, process = time.monotonic(), self._scene.ground.start(self._scene.words)
        while process.poll() is None and not self._writes.count():
            time.sleep(0.002)
        plugin.kubectl("create", "quota", "storage", "--hard=requests.storage=4Mi")
        ended = self._scene.ground.finish(process, began)
        self._scene.outcome.faults += ended.code != 0
        self._end(ended, (0, 1))
        if ended.code:
            self._end(self._scene.ground.type(self._scene.words), (6,))
        plugin.kubectl("delete", "quota", "storage")
        self._end(self._scene.ground.type(self._scene.words))

    def _gap(self) -> None:
        """Something happens when the program is about to create the set."""
        expected = (1,) if self._kind == "deployer first" else (0,)
        with middle(self._scene.ground.plane, self._folder) as between:
            began = time.monotonic()
            gap = _Gap(self._scene, self._kind, between, self._rng.randint(1, _REQUESTS))
            process = self._scene.ground.start(self._scene.words, between.kubeconfig)
            gap.process = process
            ended = self._scene.ground.finish(process, began)
            if gap.returning is not None:
                gap.returning.join()
        self._scene.outcome.faults += gap.happened
        if not gap.happened:
            self._scene.outcome.problems.append("the program never came to create the set")
        if gap.other is not None:
            self._end(gap.other)
        if self._kind == "killed in the gap":
            self._scene.outcome.kills += 1
            self._scene.outcome.retypes += 1
            self._end(self._scene.ground.type(("recreate", "web", "-y")))
        else:
            self._end(ended, expected)


class _Gap:
    """What happens between the program and the API server."""

    def __init__(self, scene: Scene, kind: str, between: Middle, nth: int) -> None:
        self._scene, self._kind, self._nth = scene, kind, nth
        self._count = itertools.count(1)
        self.happened = False
        #: How another run ended that came by before the request of that number.
        self.other: Ended | None = None
        self.process: "subprocess.Popen[str] | None" = None
        self._away_until = 0.0
        #: Until the server and its controllers are back.
        self.returning: threading.Timer | None = None
        between.gate = _Watched(between.gate, self)
        between.reading = self._reading

    def before(self, method: str, path: str) -> None:
        """Called before a request goes on. Raises OSError where it gets no answer."""
        if time.monotonic() < self._away_until:
            raise OSError("the server is away")
        if self._kind == "another comes by" and next(self._count) == self._nth:
            self.happened, self.other = True, self._scene.ground.type(self._scene.words)
        if self._kind == "another comes by" or self.happened or method != "POST" or "/statefulsets" not in path or "dryRun" in path:
            return
        self.happened = True
        does: dict[str, Callable[[], None]] = {
            "somebody first": lambda: self._create("2Mi"),
            "deployer first": lambda: self._create("1Mi"),
            "pod dies": self._pod_dies,
            "claim deleted": self._claim_goes,
            "quota": self._fill_quota,
            "server away": self._go_away,
            STOPPED: self._stop,
            "killed in the gap": self._kill,
        }
        if self._kind in does:
            does[self._kind]()

    def _reading(self, connection: Passing, heard: Heard) -> bool:
        """The answer to the creation is lost."""
        if self._kind == "answer lost" and heard.status == 201 and b'"kind":"StatefulSet"' in heard.body and "dryRun" not in heard.path:
            connection.close_connection = True
            raise OSError("lost")
        return False

    def _create(self, size: str) -> None:
        retention = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}"
        body = yaml.safe_load(manifest(policy="Parallel", claims=True, extra=retention))
        body["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = size
        plugin = self._scene.plugin
        plugin.plane.kubectl("create", "-f", "-", "-n", plugin.namespace, input=json.dumps(body))
        self._scene.put_back = size == "1Mi"

    def _pod_dies(self) -> None:
        self._scene.taken.add("web-1")
        self._scene.plugin.kubectl("delete", "pod", "web-1", "--timeout=60s")

    def _claim_goes(self) -> None:
        """It stays for as long as its pod does."""
        self._scene.plugin.kubectl("delete", "pvc", "data-web-1", "--wait=false")

    def _fill_quota(self) -> None:
        """Somebody takes the place, and gives it back a little later."""
        plugin = self._scene.plugin
        plugin.kubectl("create", "quota", "sets", "--hard=count/statefulsets.apps=1")
        plugin.eventually(lambda: "used" in plugin.get("quota", "sets").get("status", {}), "the quota counts")
        plugin.plane.kubectl("create", "-f", "-", "-n", plugin.namespace, input=manifest("taker", replicas=0))
        plugin.eventually(lambda: plugin.get("quota", "sets")["status"]["used"] == {"count/statefulsets.apps": "1"}, "the quota is full")
        # It is refused a few times before there is room again.
        later = f"sleep 2; {' '.join(plugin.plane.kubectl_line('delete', 'sts', 'taker', '-n', plugin.namespace))}"
        subprocess.run(["sh", "-c", f"({later}) > /dev/null 2>&1 &"], check=True, env=plugin.plane.environment())

    def _go_away(self) -> None:
        self._away_until = time.monotonic() + 5.0
        raise OSError("the server is away")

    def _stop(self) -> None:
        """The server itself, with the controllers; the program asks again and again meanwhile."""
        plane = self._scene.plugin.plane
        outage.go_away(plane)
        self.returning = threading.Timer(_STOPPED_SECONDS, outage.come_back, (plane,))
        self.returning.start()
        raise OSError("the server is away")

    def _kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        raise OSError("nobody waits for an answer")


class _Watched(Gate):
    """The gate of a ``Middle``, with somebody asked before each request."""

    def __init__(self, gate: Gate, gap: _Gap) -> None:
        self._gate, self._gap = gate, gap

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        self._gap.before(method, path)
        return self._gate.forward(method, path, headers, body)


class _Writes:
    """How often the program has changed something in a namespace, out of the API server's own audit log."""

    def __init__(self, scene: Scene) -> None:
        self._log = scene.plugin.plane.audit_log.open("rb")
        self._log.seek(0, 2)
        self._marks = (b'"kubectl-pets/', f'"{scene.plugin.namespace}"'.encode())
        self._rest, self._number = b"", 0

    def close(self) -> None:
        self._log.close()

    def count(self) -> int:
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            if all(mark in line for mark in self._marks):
                event = json.loads(line)
                writes = event["verb"] in ("create", "update", "patch", "delete") and "dryRun" not in event["requestURI"]
                asks = event.get("objectRef", {}).get("resource") == "selfsubjectaccessreviews"
                done = event["stage"] == "ResponseComplete" and event["responseStatus"].get("code", 500) < 300
                self._number += writes and done and not asks
        return self._number
