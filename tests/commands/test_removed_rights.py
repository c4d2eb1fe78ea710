"""Each verb with all rights, and without each one that it uses: what it does then, as ``docs/rights.md`` says.

Without it a verb ends before it changes anything and names what is missing, or refuses because it cannot know, or goes on and says what
it could not know. Where none of these is so, the answer is the same: a watch is replaced by reading again.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests import controlplane
from tests.commands.plugin import Plugin, Result, manifest
from tests.commands.test_docs import VERBS
from tests.commands.test_least_rights import ROLES, Right, asked

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rights.md"

#: What every request of the program is, whoever it is for: nobody can be without these (system:basic-user, system:discovery).
_ANYBODY = {("create", "selfsubjectaccessreviews.authorization.k8s.io")}

#: Asked only while something is not well, so not in every run; without them a reason is missing (tests/commands/test_why.py).
_SOMETIMES = {("list", "events"), ("get", "nodes")}

#: Every verb that waits needs it, however soon its watch was over.
_WAITING = {("watch", "pods")}

#: By verb, what it uses only where somebody is at work beside it: should the set change after what is intended was saved.
_BESIDES: dict[str, set[Right]] = {"recreate": {("update", "configmaps")}}

_LACKING = re.compile(r"may not|not allowed|not read|not be read|could not|cannot|missing|unknown|unsure|not known|nobody|without", re.IGNORECASE)


def every_right() -> list[Right]:
    """All that the roles of ``deploy/rbac`` give to anybody."""
    rules = [rule for file in sorted(ROLES.glob("*.yaml")) for role in yaml.safe_load_all(file.read_text("utf-8")) for rule in role["rules"]]
    return sorted(
        {
            (verb, resource + (f".{group}" if group else ""))
            for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
        }
    )


def without(right: Right | None) -> str:
    return "has-all" if right is None else re.sub(r"[^a-z]+", "-", f"has-no-{right[0]}-{right[1]}")


def roles(rights: list[Right]) -> dict[str, Any]:
    """A user with all rights, and for each right one who has all others."""
    items: list[dict[str, Any]] = []
    for left_out in (None, *rights):
        user, rules = without(left_out), []
        for verb, resource in rights:
            if (verb, resource) != left_out:
                whole, _, sub = resource.partition("/")
                plural, _, group = whole.partition(".")
                rules.append({"apiGroups": [group], "resources": [f"{plural}/{sub}" if sub else plural], "verbs": [verb]})
        api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": user}}
        items.append({**api, "kind": "ClusterRole", "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        items.append({**api, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]})
    return {"apiVersion": "v1", "kind": "List", "items": items}


class Ground:
    """A control plane of its own, so that no other test's kinds or claims are there."""

    def __init__(self, pets: Plugin, folder: Path) -> None:
        self.pets, self.folder = pets, folder
        self.numbers = count(2)
        self.record, self.volume = Path(), ""  # of the claim that was deleted last

    def state(self) -> Any:
        """All that a verb could change, without what passes by itself."""
        items = json.loads(self.pets.kubectl("get", "statefulsets,pods,pvc,pv", "-o", "json", "--show-managed-fields"))["items"]
        return {
            (item["kind"], item["metadata"]["name"]): (
                item["metadata"]["uid"],
                item["metadata"].get("annotations", {}) if item["kind"] != "Pod" else {},
                item["spec"] if item["kind"] != "Pod" else {},
                "deletionTimestamp" in item["metadata"],
                [each["manager"] for each in item["metadata"]["managedFields"] if item["kind"] == "StatefulSet" and "subresource" not in each],
            )
            for item in items
        }

    def run(self, words: tuple[str, ...], user: str) -> Result:
        """``-v=6`` tells each request, and a traceback with an error."""
        return self.pets(*words, *(("-v=6",) if user == without(None) else ()), expect=None, kubeconfig=self._as(user))

    def _as(self, user: str) -> Path:
        """A kubeconfig that impersonates; not with the flag, which is another one in ``orphans adopt``."""
        path = self.folder / f"{user}.yaml"
        config = yaml.safe_load(self.pets.plane.kubeconfig.read_text(encoding="utf-8"))
        config["users"][0]["user"]["as"] = user
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with controlplane.running() as plane:
        plane.create_namespace("rights")
        pets = Plugin(plane, "rights")
        rights = every_right()
        plane.kubectl("apply", "-f", "-", input=json.dumps(roles(rights)))
        for user in (without(rights[0]), without(rights[-1]), without(None)):
            question = ("auth", "can-i", "list", "jobs.batch", f"--as={user}", "-n", "rights")
            pets.eventually(lambda: plane.kubectl(*question, check=False).stdout.strip() == "yes", f"{user} counts")
        yield Ground(pets, tmp_path_factory.mktemp("records"))


# --- scenes ------------------------------------------------------------------------------------------------------------------


def settled(ground: Ground) -> None:
    """web with two pods, whole; of another version before."""
    pets = ground.pets
    pets.kubectl("delete", "statefulset", "web", "--ignore-not-found", "--wait", "--cascade=foreground")
    pets.plane.apply(manifest("web", replicas=2, policy="Parallel", claims=True), pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    pets("rollout", "run", "web", "--image", "app:0", "--timeout", "60s", "-y")


def canaried(ground: Ground) -> None:
    settled(ground)
    ground.pets("rollout", "canary", "web", "--image", "app:1", "--timeout", "60s", "-y")


def underway(ground: Ground) -> None:
    """It waits for its first new pod, which takes its time."""
    settled(ground)
    pets = ground.pets
    pets.kubectl("set", "image", "statefulset/web", "app=app:never-ready")
    pets.eventually(lambda: "app:never-ready" in pets.images().values(), "begun")


def paused(ground: Ground) -> None:
    underway(ground)
    ground.pets("rollout", "pause", "web")


def stuck(ground: Ground) -> None:
    """The forced-rollback trap: the template is well again, and the broken pod stays (kubernetes/kubernetes#67250)."""
    settled(ground)
    pets = ground.pets
    pets.kubectl("delete", "statefulset", "web", "--wait", "--cascade=foreground")
    pets.plane.apply(manifest("web", replicas=2), pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    pets("rollout", "canary", "web", "--image", "app:invalid", "--timeout", "60s", "-y", expect=4)
    pets("partition", "web", "0", "-y")
    pets.kubectl("rollout", "undo", "statefulset/web")
    pets.eventually(lambda: pets.set()["status"]["observedGeneration"] == pets.set()["metadata"]["generation"], "seen")


def with_claims(ground: Ground) -> None:
    """web, and many claims of a set that is scaled down, for whoever deletes them one by one."""
    pets = ground.pets
    settled(ground)
    if pets.kubectl("get", "statefulset", "left", "--ignore-not-found").strip():
        return
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=manifest("left", replicas=41, policy="Parallel", claims=True))
    pets("status", "left", "-w", "--until", "ready", "--timeout", "120s", "--patience", "120s")
    pets.kubectl("scale", "statefulset/left", "--replicas=1")
    pets.eventually(lambda: len(pets.get("pods", "-l", "app=left")["items"]) == 1, "scaled down")
    pets.eventually(lambda: pets("orphans", "-o", "name").stdout.count("data-left-") == 40, "nobody's any more")


def a_claim(ground: Ground, kept: bool = False) -> str:
    """Of the set that is scaled down, one that is marked to stay, or one that is not."""
    for item in sorted(ground.pets.get("pvc", "-l", "app=left")["items"], key=lambda item: str(item["metadata"]["name"]), reverse=True):
        marked = any(key.startswith("kubectl-pets") for key in item["metadata"].get("annotations", {}))
        if marked == kept and "deletionTimestamp" not in item["metadata"]:
            return str(item["metadata"]["name"])
    raise AssertionError("no claim is left to try it with")


def kept(ground: Ground) -> None:
    with_claims(ground)
    ground.pets("orphans", "keep", a_claim(ground), "--why", "an audit")


def deleted(ground: Ground) -> None:
    """A claim is deleted and its volume retained; ``ground.record`` and ``ground.volume`` say which."""
    with_claims(ground)
    pets, claim = ground.pets, a_claim(ground)
    folder = ground.folder / claim
    ground.volume = pets.get("pvc", claim)["spec"]["volumeName"]
    pets("orphans", "delete", claim, "-y", *KNOWN, "--record", str(folder))
    pets.kubectl("wait", "--for=delete", f"pvc/{claim}", "--timeout=60s")
    pets.plane.kubectl("wait", f"pv/{ground.volume}", "--for=jsonpath={.status.phase}=Released", "--timeout=60s")
    ((ground.record),) = folder.glob("*.json")


#: The control plane's own kind, which wants no claims.
KNOWN = ("--ignore-kind", "portforwards.kwok.x-k8s.io")

Words = Callable[[Ground], tuple[str, ...]]


class Case(NamedTuple):
    words: Words
    scene: Callable[[Ground], None] = settled


def said(*words: str) -> Words:
    """Always the same, with another number each time in place of ``@``."""
    return lambda ground: tuple(word.replace("@", str(next(ground.numbers))) for word in words)


LOOKING: dict[str, Case] = {
    "list": Case(said("list")),
    "status": Case(said("status", "web")),
    "rollout status": Case(said("rollout", "status", "web", "-w", "--timeout", "20s")),
    "wait": Case(said("wait", "web", "--for", "available", "--timeout", "20s")),
    "rollout history": Case(said("rollout", "history", "web")),
    "rollout diff": Case(said("rollout", "diff", "web")),
    "rollout report": Case(said("rollout", "report", "web")),
    "quorum": Case(said("quorum", "web")),
    "lost": Case(said("lost")),
    "snapshots": Case(said("snapshots", "web")),
    "orphans": Case(said("orphans", "--all", *KNOWN), with_claims),
    "orphans explain": Case(lambda ground: ("orphans", "explain", a_claim(ground), *KNOWN), with_claims),
    "dns explain": Case(said("dns", "explain", "web", "web-0")),
}

ROLLING: dict[str, Case] = {
    "rollout run": Case(said("rollout", "run", "web", "--image", "app:@", "--timeout", "60s", "-y")),
    "rollout canary": Case(said("rollout", "canary", "web", "--image", "app:@", "--timeout", "60s", "-y")),
    "rollout step": Case(said("rollout", "step", "web", "--timeout", "60s", "-y"), canaried),
    "rollout promote": Case(said("rollout", "promote", "web", "--timeout", "60s", "-y"), canaried),
    "rollout pause": Case(said("rollout", "pause", "web"), underway),
    "rollout resume": Case(said("rollout", "resume", "web", "--timeout", "60s"), paused),
    "rollout abort": Case(said("rollout", "abort", "web", "--timeout", "60s", "-y"), canaried),
    "rollout undo": Case(said("rollout", "undo", "web", "--timeout", "60s", "-y")),
    "rollout unstick": Case(said("rollout", "unstick", "web", "--timeout", "60s", "-y"), stuck),
    "rollout restart": Case(said("rollout", "restart", "web", "--pod", "web-1", "--anew", "--timeout", "60s", "-y")),
    "rollout handover": Case(said("rollout", "handover", "web", "-y")),
    "partition": Case(said("partition", "web", "1", "-y")),
    "scale": Case(said("scale", "web", "--replicas", "1", "--timeout", "60s", "-y")),
}

CLEANING: dict[str, Case] = {
    "orphans keep": Case(lambda ground: ("orphans", "keep", a_claim(ground), "--why", "an audit"), with_claims),
    "orphans unkeep": Case(lambda ground: ("orphans", "unkeep", a_claim(ground, kept=True)), kept),
    "orphans delete": Case(lambda ground: ("orphans", "delete", a_claim(ground), "-y", *KNOWN, "--record", str(ground.folder / "some")), with_claims),
    "orphans restore": Case(lambda ground: ("orphans", "restore", str(ground.record)), deleted),
    "orphans purge": Case(said("orphans", "purge", "--older-than", "0", "-y"), deleted),
    "orphans adopt": Case(lambda ground: ("orphans", "adopt", ground.volume, "--as", "web", "-y"), deleted),
}

REMAKING: dict[str, Case] = {
    "recreate": Case(said("recreate", "web", "--set", "podManagementPolicy=OrderedReady", "--timeout", "60s", "-y")),
}

#: Who may ask DNS servers through port-forwards is tried where there are some (tests/commands/test_dns.py), what a resize takes with a
#: storage driver (test_resize.py), what doctor skips for want of a right in its own tests; the rest asks no cluster.
ELSEWHERE = {
    "dns", "doctor", "doctor explain", "doctor rules", "resize",
    "completion install", "completion bash", "completion zsh", "completion fish", "help", "options",
}


# --- what happens ------------------------------------------------------------------------------------------------------------


def spelt(right: Right) -> str:
    return " ".join(right)


class Row(NamedTuple):
    """By outcome, the rights without which it happens; what makes no difference is tried, and not told."""

    verb: str
    ends: list[Right]
    refuses: list[Right]
    says: list[Right]
    same: list[Right]

    def __str__(self) -> str:
        cells = (", ".join(f"`{spelt(right)}`" for right in sorted(rights)) or "-" for rights in (self.ends, self.refuses, self.says))
        return f"| `{self.verb}` | {' | '.join(cells)} |"


def tried(ground: Ground, verb: str, case: Case) -> Row:
    """The verb with all rights, then without each that it used."""
    case.scene(ground)
    at = ground.state()
    whole = ground.run(case.words(ground), without(None))
    assert "HTTP 403" not in whole.stderr and whole.code in (0, 3), f"{verb} with all rights: {whole}"
    changes = ground.state() != at
    row = Row(verb, [], [], [], [])
    for right in sorted({right for right, _ in asked(whole.stderr)} - _ANYBODY - _SOMETIMES | _WAITING | _BESIDES.get(verb, set())):
        if ground.state() != at:
            case.scene(ground)
            at = ground.state()
        done = ground.run(case.words(ground), without(right))
        getattr(row, _outcome(done, whole, right, same=ground.state() == at, changes=changes)).append(right)
    return row


def _outcome(done: Result, whole: Result, right: Right, *, same: bool, changes: bool) -> str:
    """What came of it; fails where that is none of what may come."""
    told = f"{done.stdout}\n{done.stderr}"
    about = f"without {spelt(right)}: {done.code}\n{told}\nwith all rights: {whole.code}\n{whole.stdout}"
    verb, plural = right[0], right[1].partition(".")[0].partition("/")[0]
    assert "defect" not in told and "Traceback" not in told, about
    if done.code in (1, 2):  # where 1 is an answer (diff), an error is 2
        said = "\n".join(line for line in done.stderr.splitlines() if line.startswith(("error: ", "hint: ")))
        assert same and said and verb in said and plural in said, about
        return "ends"
    if done.code == 6:
        assert same and _says(told, plural), about
        return "refuses"
    assert same == (not changes), about
    if done.code == whole.code and (changes or _plain(done.stdout) == _plain(whole.stdout)):
        return "says" if _says(told, plural) else "same"
    assert not changes and (_says(told, plural) or _unknown(done.stdout, whole.stdout)), about
    return "says"


def _says(told: str, plural: str) -> bool:
    """Whether it says that these could not be read: by their name in the API, or in words."""
    known = (plural, *_WORDS.get(plural, ()))
    return any(word in line and _LACKING.search(line) for line in told.splitlines() for word in known)


#: What they are called besides.
_WORDS = {
    "persistentvolumeclaims": ("claim",),
    "poddisruptionbudgets": ("budget",),
    "horizontalpodautoscalers": ("autoscaler",),
    "persistentvolumes": ("volume",),
    "nodes": ("node",),
    "events": ("event",),
}


def _plain(shown: str) -> list[str]:
    """The words, without ages."""
    return re.sub(r"\b(\d+[dhms])+\b|\d\d:\d\d:\d\d|has-no-[a-z-]+|has-all", "AGE", shown).split()


def _unknown(shown: str, whole: str) -> bool:
    """Whether there is ``-`` or ``?`` in place of what is not known, or less in a line, and nothing else besides."""
    return set(_plain(shown)) <= set(_plain(whole)) | {"-", "?"}


HEAD = ("| verb | ends, and names it | refuses, as it cannot know, or not carry it out | goes on, and says what it does not know |", "|---|---|---|---|")


def _table() -> dict[str, str]:
    return {found[1]: line for line in PAGE.read_text(encoding="utf-8").splitlines() if (found := re.match(r"\| `([a-z ]+)` \|", line))}


def _check(ground: Ground, cases: dict[str, Case]) -> None:
    found = {verb: str(tried(ground, verb, case)) for verb, case in cases.items()}
    table = _table()
    wrong = [line for verb, line in found.items() if table.get(verb) != line]
    assert not wrong, "docs/rights.md should say:\n" + "\n".join(wrong)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("cases", [LOOKING, ROLLING, REMAKING, CLEANING], ids=["looking", "rolling out", "making again", "cleaning"])
def test_without_a_right_a_verb_does_what_the_table_says(ground: Ground, cases: dict[str, Case]) -> None:
    _check(ground, cases)


def test_the_table_has_every_verb_and_no_others() -> None:
    names = {name.removeprefix("kubectl pets ") for name in VERBS}
    tried = {*LOOKING, *ROLLING, *REMAKING, *CLEANING}
    assert tried | ELSEWHERE == names | {"orphans"}
    assert set(_table()) == tried and "\n".join(HEAD) in PAGE.read_text(encoding="utf-8")
