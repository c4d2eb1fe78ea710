"""Carries a rollout through several sets, one after the other, and stops at the first that does not make it.

Where it stands is in the sets themselves: typed again it passes by those that are done.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from kubectl_pets.cleaning import clean
from kubectl_pets.cli.options import changed
from kubectl_pets.domain.model import Inventory
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetRef, ref_of
from kubectl_pets.domain.stepping.groups import in_order, unwell, without_label
from kubectl_pets.domain.stepping.steps import Done, Goal, Refused
from kubectl_pets.errors import ExitCode, NotFoundError, UsageError
from kubectl_pets.flows.engine.choosing import tell_kinds_not_read
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.patience import Patience
from kubectl_pets.flows.engine.report import told_once
from kubectl_pets.flows.rollout.carry import OnStuck, carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import words


def carry_group(
    session: Session,
    selector: str,
    by: str,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    options: RunOptions,
    terms: Terms,
    *,
    on_stuck: OnStuck | None = None,
) -> ExitCode:
    """As ``carry`` for every set that ``selector`` selects. ``options.timeout`` is for all of them together. Between two sets an
    API server that is away is waited for. The documents of all of them are one list on stdout."""
    gathered: list[dict[str, Any]] = []
    carried = False
    try:
        each = replace(options, gathered=gathered)
        code = _one_after_the_other(session, selector, by, make_goal, each, terms, on_stuck)
        carried = True
    finally:
        if not (options.tabular or options.streams) and (carried or gathered):
            from kubectl_pets.views.rollout import documents

            session.terminal.print(documents.listed(gathered, options.output))
    return code


def _one_after_the_other(
    session: Session,
    selector: str,
    by: str,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    options: RunOptions,
    terms: Terms,
    on_stuck: OnStuck | None,
) -> ExitCode:
    tell = session.terminal.tell
    inventory = session.cluster.inventory(session.namespace, selector, every_kind=True)
    tell_kinds_not_read(session.terminal, inventory)
    if not inventory.sets:
        raise NotFoundError(
            f"no StatefulSet in namespace {session.namespace} has the labels {clean(selector)}",
            hint=pets("list", "--show-labels", namespace=session.namespace),
        )
    unlabeled = without_label(inventory, by)
    if unlabeled:
        names = ", ".join(map(clean, unlabeled))
        raise UsageError(f"{names}: no label {clean(by)}, so there is no order. Nothing was changed.")
    deadline = Deadline(options.timeout)
    patience = Patience(deadline, troubled=told_once(session.terminal))
    look = partial(session.cluster.inventory, session.namespace, selector, every_kind=True)
    ordered = [replace(ref_of(owner), namespace="") for owner in in_order(inventory, by)]
    for ref in ordered:
        changed("rollout run --group", ref)
    for number, ref in enumerate(ordered):
        name = ref.typed
        bad = unwell(patience.read(look), ref, session.now())
        if bad:
            for seen in bad:
                tell(f"refused: {words.headline(seen)}")
            tell(f"refused: {name} is not begun while another set of its group is not fully available")
            return ExitCode.REFUSED if number == 0 else ExitCode.STUCK
        tell(f"[{number + 1}/{len(ordered)}] {clean(name)}")
        left = deadline.cap(None)
        if left is not None and left <= 0:
            tell(f"timed out: {_names(ordered[number:])} not begun")
            return ExitCode.TIMED_OUT
        left_options, of_group = replace(options, timeout=left), replace(terms, group=selector)
        code = carry(session, ref, make_goal, left_options, of_group, on_stuck=on_stuck)
        if code is not ExitCode.OK:
            rest = ordered[number + 1:]
            tell(f"stopped at {clean(name)}" + (f"; not begun: {_names(rest)}" if rest else ""))
            return ExitCode.STUCK if code is ExitCode.REFUSED and _rolled(inventory, patience.read(look)) else code
    return ExitCode.OK


def _rolled(before: Inventory, now: Inventory) -> bool:
    """Whether the spec of any of these sets is another one by now: then a refusal of a later one did change something."""
    were = {owner.metadata.uid: owner.metadata.generation for owner in before.sets}
    return any(owner.metadata.generation > were.get(owner.metadata.uid, owner.metadata.generation) for owner in now.sets)


def _names(refs: Sequence[SetRef]) -> str:
    return ", ".join(clean(each.typed) for each in refs)
