"""One document on stdout for each run that deletes, restores, destroys or adopts, however it ends."""

import json
import signal
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from kubectl_pets.domain.changes import Change
from kubectl_pets.domain.orphans.purging import PurgePlan, PurgeSelection
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, PetsError
from kubectl_pets.flows.orphans.account import Account
from kubectl_pets.flows.orphans.purge import PurgeRun, purge
from kubectl_pets.session import Cluster, Session
from kubectl_pets.views.orphans import documents as orphan_documents
from kubectl_pets.views.orphans import outcomes
from kubectl_pets.views.orphans.outcomes import Came, RunKind
from tests.commands.plugin import Plugin
from tests.commands.test_adopt import retained
from tests.commands.test_engine import Clock, clock
from tests.commands.test_orphans import make, volume_of
from tests.commands.test_outages import Storage, purged
from tests.commands.test_purge import CLAIM, Left
from tests.domain.orphans.test_restoring import RELEASED
from tests.schemas import check
from tests.terminal import FakeTerminal

__all__ = ["clock"]  # a fixture

NOTHING = orphan_documents.purge_plan(PurgePlan(purges=(), refused=()))


def came(document: dict[str, Any]) -> list[str]:
    """What came of each; the document is as its schema says."""
    check(document)
    return [each["outcome"] for each in document["outcomes"]]


@pytest.mark.parametrize(
    "raised, code",
    [
        (None, ExitCode.OK),
        (PetsError("no", hint="try"), ExitCode.FAILED),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (ValueError("a defect"), ExitCode.FAILED),
    ],
)
@pytest.mark.parametrize("output", ["json", "yaml", "table"])
def test_however_it_ends(raised: BaseException | None, code: ExitCode, output: str) -> None:
    terminal = FakeTerminal()

    def work(account: Account) -> ExitCode:
        account.plans(NOTHING, [outcomes.purge(RELEASED, Came.UNTOUCHED)] * 2)
        account.notes(0, outcomes.purge(RELEASED, Came.BEGUN))
        account.say("said")
        if raised is not None:
            raise raised
        return ExitCode.OK

    account = Account(terminal, output, RunKind.PURGE)
    if raised is None:
        assert account.of(work) is ExitCode.OK
    else:
        with pytest.raises(type(raised)):
            account.of(work)
    if output == "table":
        assert (terminal.stdout_text, terminal.stderr_text) == ("said\n", "")
        return
    document = json.loads(terminal.stdout_text) if output == "json" else yaml.safe_load(terminal.stdout_text)
    assert (document["kind"], document["plan"], came(document)) == ("VolumePurge", NOTHING, ["begun", "untouched"])
    assert document["ending"]["exitCode"] == code and terminal.stderr_text == "said\n"
    told = ("no", "try") if isinstance(raised, PetsError) else (None, None)
    assert (document["ending"]["message"], document["ending"]["hint"]) == told


def test_a_purge(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, told = purged(Storage(volumes=(RELEASED,)), output="json")
    document = json.loads(out)
    assert code is ExitCode.OK and came(document) == ["done"] and f"destroyed {RELEASED.name}" in told
    assert document["plan"]["kind"] == "VolumePurgePlan" and document["plan"]["purges"][0]["volume"]["name"] == RELEASED.name
    slow = Storage(volumes=(RELEASED,))
    slow.destroys = False
    code, out, _ = purged(slow, timeout=3, output="json")
    document = json.loads(out)
    assert came(document) == ["unfinished"] and document["ending"]["reason"] == "timed-out" and document["ending"]["exitCode"] == code
    monkeypatch.setattr("kubectl_pets.flows.engine.waiting.sleep", lambda seconds: signal.raise_signal(signal.SIGINT))
    slow = Storage(volumes=(RELEASED,))
    slow.destroys = False
    document = json.loads(purged(slow, output="json")[1])
    assert came(document) == ["unfinished"] and document["ending"]["reason"] == "interrupted"


def test_a_purge_that_is_refused_and_one_that_breaks_off(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Storage(volumes=(RELEASED,))

    def apply(change: Change, *, dry_run: bool = False) -> None:
        raise ConflictError("changed")

    monkeypatch.setattr(taken, "apply", apply)
    code, out, _ = purged(taken, output="json")
    (found,) = json.loads(out)["outcomes"]
    assert code is ExitCode.REFUSED and (found["outcome"], found["reason"]) == ("refused", "changed")

    def denied(change: Change, *, dry_run: bool = False) -> None:
        raise ForbiddenError("may not")

    monkeypatch.setattr(taken, "apply", denied)
    terminal = FakeTerminal()
    run = PurgeRun(selection=PurgeSelection(namespace=None), yes=True, output="json")
    with pytest.raises(ForbiddenError):
        purge(Session(terminal=terminal, connect=lambda flags: cast(Cluster, taken)), run)
    document = json.loads(terminal.stdout_text)
    assert came(document) == ["begun"] and document["ending"]["message"] == "may not"


@pytest.mark.real
def test_there_and_back_and_gone(pets: Plugin, tmp_path: Path) -> None:
    left = Left(pets, tmp_path)
    words = ("orphans", "delete", CLAIM, "--record", str(left.folder), "-o", "json")
    planned = json.loads(pets(*words, "--dry-run").stdout)
    asked = json.loads(pets(*words, expect=6).stdout)
    for plan in (asked["plan"], planned):
        assert plan["kind"] == "OrphanDeletionPlan" and [each["claim"]["metadata"]["name"] for each in plan["deletions"]] == [CLAIM]
    assert came(asked) == ["untouched"] and asked["record"] is None
    done = json.loads(pets(*words, "-y").stdout)
    assert done["kind"] == "OrphanDeletion" and done["ending"] == {"exitCode": 0, "reason": "ok", "message": None, "hint": None}
    (found,) = done["outcomes"]
    assert (found["claim"]["name"], found["volume"], found["outcome"], found["fate"]) == (CLAIM, left.volume, "done", "retained")
    missing = json.loads(pets(*words, "-y", expect=1).stdout)
    assert missing["plan"] is None and missing["outcomes"] == [] and missing["record"] is None and CLAIM in missing["ending"]["message"]

    left.released()
    back = ("orphans", "restore", done["record"], "-o", "json")
    json.loads(pets("orphans", "restore", done["record"], "pv/nobody", "-o", "json", expect=1).stdout)
    assert CLAIM not in pets.kubectl("get", "pvc", "-o", "name"), "nothing is restored where one of the sources is none"
    would = json.loads(pets(*back, "--dry-run").stdout)
    assert would["kind"] == "OrphanRestorationPlan" and would["restorations"][0]["volume"] == left.volume
    assert CLAIM not in pets.kubectl("get", "pvc", "-o", "name")
    restored = json.loads(pets(*back).stdout)
    assert came(restored) == ["done"] and restored["plan"]["restorations"][0]["claim"]["name"] == CLAIM
    assert CLAIM in pets.kubectl("get", "pvc", "-o", "name")
    again = json.loads(pets(*back).stdout)
    assert came(again) == ["unchanged"] and again["outcomes"][0]["reason"] == "nothing-to-do"

    left.delete()
    left.released()
    purge = ("orphans", "purge", left.volume, "-o", "yaml")
    assert yaml.safe_load(pets(*purge, "--dry-run").stdout)["kind"] == "VolumePurgePlan"
    gone = yaml.safe_load(pets(*purge, "-y").stdout)
    assert came(gone) == ["done"] and not left.file.exists()


@pytest.mark.real
def test_an_adoption(pets: Plugin) -> None:
    ((name, _),) = retained(pets, 1)
    make(pets, "web", replicas=1)
    words = ("orphans", "adopt", name, "--as", "web", "-o", "json")
    adopted = pets(*words, "-y")
    document = json.loads(adopted.stdout)
    assert came(document) == ["done"] and document["outcomes"][0]["claim"]["name"] == "data-web-1"
    assert f"adopted {name}" in adopted.stderr and volume_of(pets, "data-web-1")["metadata"]["name"] == name
    again = pets(*words, "-y")  # what is so already is what was asked for
    assert json.loads(again.stdout)["outcomes"] == [] and f"nothing to do: {name} is claim data-web-1 already" in again.stderr
    make(pets, "db", replicas=1)
    words = ("orphans", "adopt", name, "--as", "db", "-o", "json")
    refused = json.loads(pets(*words, "-y", expect=6).stdout)
    assert refused["outcomes"] == [] and refused["plan"]["refused"][0]["volume"] == name
