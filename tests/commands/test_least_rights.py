"""The roles of ``deploy/rbac`` on a real control plane of their own: with exactly what stands there each verb they are for gets all
that it asks for, and each right in them was asked for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests import controlplane
from tests.commands.plugin import Plugin, Result
from tests.commands.snapshots import Storage, install
from tests.commands.test_gates import answering, moved_to, own_address
from tests.commands.test_orphans import become, make

pytestmark = pytest.mark.real

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "rbac"
Right = tuple[str, str]

#: Those of deploy/rbac/snapshots.yaml that only --snapshot-group asks for.
OF_GROUPS: set[Right] = {
    *((verb, "volumegroupsnapshots.groupsnapshot.storage.k8s.io") for verb in ("create", "delete", "list")),
    ("get", "volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io"),
    ("list", "volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io"),
    ("patch", "volumesnapshots.snapshot.storage.k8s.io"),
}

_SENT = re.compile(r"^(GET|POST|PATCH|PUT|DELETE) (https://\S+): (.+?) in \d+ ms$", re.MULTILINE)
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
#: The API server asks for this one as well, of whoever opens a stream by GET (AuthorizePodWebsocketUpgradeCreatePermission).
_WITH_CREATE = {"pods/exec", "pods/portforward"}


def asked(stderr: str) -> Iterator[tuple[Right, str]]:
    """Verb and resource ("get", "pods/exec") of each request that ``-v=6`` told, with its outcome."""
    for method, url, outcome in _SENT.findall(stderr):
        parts = urlsplit(url)
        path = parts.path.strip("/").split("/")
        group, rest = ("", path[2:]) if path[0] == "api" else ("".join(path[1:2]), path[3:]) if path[0] == "apis" else ("", [])
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            rest = rest[2:]
        if rest:
            resource = "/".join((rest[0] + (f".{group}" if group else ""), *rest[2:3]))
            yield (_VERBS.get(method) or _read(rest, parts.query), resource), outcome
            if resource in _WITH_CREATE:
                yield ("create", resource), outcome


def _read(rest: list[str], query: str) -> str:
    return "get" if len(rest) > 1 else "watch" if "watch" in parse_qs(query) else "list"


class Holder:
    """Somebody who has just what these files give, in one namespace or in all, and what was asked for on their behalf."""

    def __init__(self, pets: Plugin, user: str, *files: str, everywhere: bool = False) -> None:
        self.pets, self.user = pets, user
        self.granted: set[Right] = set()
        self.used: set[Right] = set()
        for file in files:
            path = ROLES / f"{file}.yaml"
            pets.plane.kubectl("apply", "-f", str(path))
            for role in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                self._bind(role, everywhere)

    def _bind(self, role: dict[str, Any], everywhere: bool) -> None:
        kind, name = role["kind"], role["metadata"]["name"]
        self.granted |= {
            (verb, resource + (f".{group}" if group else ""))
            for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
        }
        words = (f"{self.user}-{name}", f"--{kind.lower()}={name}", f"--user={self.user}")
        if kind == "Role":
            self.pets.plane.kubectl("create", "rolebinding", *words, "-n", role["metadata"]["namespace"])
        elif everywhere or name.endswith("-cluster"):
            self.pets.plane.kubectl("create", "clusterrolebinding", *words)
        else:
            self.pets.kubectl("create", "rolebinding", *words)
        resource, verbs = role["rules"][-1]["resources"][-1], role["rules"][-1]["verbs"]
        group = "".join(role["rules"][-1]["apiGroups"])
        place = role["metadata"].get("namespace", self.pets.namespace)
        kind, _, subresource = resource.partition("/")
        narrowed = (f"--subresource={subresource}",) if subresource else ()
        question = ("auth", "can-i", verbs[-1], kind + (f".{group}" if group else ""), *narrowed, f"--as={self.user}", "-n", place)
        self.pets.eventually(lambda: self.pets.plane.kubectl(*question, check=False).stdout.strip() == "yes", f"{name} counts")

    def __call__(self, *words: str, expect: int = 0) -> Result:
        done = self.pets(*words, "-v=6", expect=expect, kubeconfig=self.pets.plane.kubeconfig_for(self.user))
        found = list(asked(done.stderr))
        refused = sorted({right for right, outcome in found if outcome == "HTTP 403"})
        assert not refused, f"{' '.join(words)}: not in {ROLES.name}: {refused}\n{done.stderr}"
        assert "may not" not in done.stderr and "forbidden" not in done.stderr, done.stderr
        self.used |= {right for right, _ in found}
        return done

    def unused(self) -> set[Right]:
        return self.granted - self.used


@pytest.fixture(scope="module")
def ground() -> Iterator[Plugin]:
    """A control plane where no other test makes kinds of resources: who cleans up has to read all that there are."""
    with controlplane.running() as plane:
        plane.standard_dns()
        plane.create_namespace("rights")
        pets = Plugin(plane, "rights")
        install(pets)
        plane.kubectl("create", "service", "clusterip", "web", "--clusterip=None", "-n", "rights")  # it selects app=web
        make(pets)
        yield pets


def test_looking(ground: Plugin) -> None:
    alice = Holder(ground, "alice", "looking", everywhere=True)
    alice("list", "-A")
    alice("status", "web")
    alice("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    for verb in ("partition", "quorum", "lost"):
        alice(verb, "web")
    alice("rollout", "history", "web")
    alice("rollout", "diff", "web")
    alice("rollout", "run", "web", "--image", "app:2", "--dry-run")
    alice("scale", "web", "--replicas", "1", "--plan")
    alice("dns", "explain", "web", "web-0")
    alice("orphans")
    alice("orphans", "explain", "data-web-0")
    ground.make("ill", image="app:broken", wait=False)
    ground.eventually(lambda: "ErrImagePull" in ground.kubectl("get", "pods", "-l", "app=ill"), "the image cannot be pulled")
    alice("status", "ill", expect=3)
    ground.kubectl("delete", "statefulset", "ill")
    assert alice.unused() == set()


def test_rolling_out(ground: Plugin) -> None:
    bob = Holder(ground, "bob", "looking", "rolling-out")
    before = Holder(ground, "bob-looks", "looking").granted
    bob("rollout", "canary", "web", "--image", "app:2")
    bob("rollout", "abort", "web", "-y")
    bob("rollout", "run", "web", "--image", "app:2", "--quorum", "--gate-exec", "true", "-y")
    bob("rollout", "run", "web", "--image", "app:3", "--gate-dns", "-y")
    bob("rollout", "undo", "web", "-y")
    address = own_address()
    with answering(address) as (port, _):
        bob("rollout", "restart", "web", *moved_to(ground, address), "-y")
        bob("rollout", "promote", "web", "--gate-http", f"/healthz:{port}")
    bob("rollout", "restart", "web", "--pod", "web-1", "-y")
    bob("rollout", "run", "web", "--image", "app:broken", "--on-stuck", "abort", "-y", expect=4)
    bob("rollout", "undo", "web", "-y")
    assert bob.unused() - before == set()


def test_snapshots_of_rollouts(ground: Plugin) -> None:
    storage = Storage(ground)
    storage.claim("data-snapped-0")
    made = storage.snapshot_class("rolling", default=True)
    ground.make("snapped", replicas=1, claims=True)
    erin = Holder(ground, "erin", "looking", "rolling-out", "snapshots")
    with storage.controller(storage.finish):
        for version in ("2", "3", "4"):
            erin("rollout", "run", "snapped", "--image", f"app:{version}", "--snapshot", "--keep-snapshots", "1", "--timeout", "90s")
    before = Holder(ground, "erin-looks", "looking", "rolling-out").granted
    assert erin.unused() - before == OF_GROUPS, "test_group_snapshots.py uses these, on a driver that knows groups"
    # The next test counts claims, and has a default class of its own.
    ground.kubectl("delete", "statefulset/snapped", "pvc/data-snapped-0", f"volumesnapshotclass/{made}", "--timeout=120s")


def test_cleaning(ground: Plugin, tmp_path: Path) -> None:
    make(ground, "left")
    ground.kubectl("scale", "statefulset/left", "--replicas=1")
    ground.eventually(lambda: len(ground.get("pods", "-l", "app=left")["items"]) == 1, "scaled down")
    carol = Holder(ground, "carol", "looking", "cleaning")
    used = {f"data-{name}": "in-use" for name in ("left-0", "web-0", "web-1", "web-2")}
    become(ground, **used, **{"data-left-1": "scaled-down", "data-left-2": "scaled-down"})
    known = ("--ignore-kind", "portforwards.kwok.x-k8s.io")
    carol("orphans", "keep", "data-left-2", "--why", "an audit")
    carol("orphans", "unkeep", "data-left-2")
    carol("orphans", "delete", "data-left-1", "-y", *known, "--record", str(tmp_path / "one"))
    ground.kubectl("wait", "--for=delete", "pvc/data-left-1", "--timeout=60s")
    carol("orphans", "restore", *map(str, (tmp_path / "one").glob("*.json")))
    carol("orphans", "delete", "data-left-2", "-y", "--destroy-data", *known, "--record", str(tmp_path / "two"))
    carol("orphans", "delete", "data-left-1", "--fresh", "-y", *known, "--record", str(tmp_path / "three"))
    ground.kubectl("wait", "--for=delete", "pvc/data-left-1", "--timeout=60s")
    carol("orphans", "purge", "--older-than", "0", "-y")
    carol("orphans", "adopt", "no-such-volume", "--as", "web", "--plan", expect=6)
    storage = Storage(ground)
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)
    with storage.controller(storage.finish):
        carol("orphans", "delete", "--fresh", "data-db-0", "-y", *known, "--snapshot", "--record", str(tmp_path / "four"))
    assert carol.unused() - Holder(ground, "carol-looks", "looking").granted == set()
