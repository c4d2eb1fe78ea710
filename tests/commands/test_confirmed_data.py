"""Somebody deploys after the set's name was typed to ``undo --with-data``: what was confirmed was of another version."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.stepping.steps import Undo
from kubectl_pets.errors import ConflictError, ExitCode
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.restoring import carry as flow
from kubectl_pets.session import Session
from tests.domain.builders import NEW, NOW, OLD, THIRD, snapshot, statefulset


def test_a_template_that_was_changed_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    goals: list[Any] = []

    def carried(session: Session, ref: object, goal: Any, options: RunOptions) -> ExitCode:
        goals.append(goal)
        return ExitCode.OK

    monkeypatch.setattr(flow, "carry", carried)
    seen = assess(snapshot(statefulset(replicas=0, current=NEW)), NOW)
    template: dict[str, Any] = {"spec": {}}
    target = RevisionEntry(
        name=OLD, number=1, created=NOW, template=template, changes=None, pods=(), current=False, update=False, live=False
    )
    options = RunOptions(yes=True, dry_run=DryRun.NONE)
    assert flow._template(cast(Session, None), seen, target, options, Deadline(None), "run-1") is ExitCode.OK
    (goal,) = goals
    for fine in (seen, replace(seen, update_revision=OLD)):
        assert goal(fine, False) == Undo(revision=OLD, number=1, template=template, snapshots="run-1")
    for other in (replace(seen, update_revision=THIRD), replace(seen, uid="another")):
        with pytest.raises(ConflictError, match="than when its name was typed"):
            goal(other, False)
