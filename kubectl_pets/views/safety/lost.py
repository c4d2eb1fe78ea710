"""``kubectl pets lost``: one block a node that does not answer: the node, the pods that it holds, their volumes, and what can be
done, the safest first, each with the commands to type.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.safety.lost import Held, HeldVolume, LostPod
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.safety import words as safety_words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text.fitting import prose
from kubectl_pets.views.text.ink import Ink, Line, Piece, faint, plain, render
from kubectl_pets.views.text.phrases import count


def draw(found: Iterable[LostPod], now: datetime, *, width: int | None = None, colour: bool = False) -> str:
    """The blocks; empty where no pod is held. Nothing is cut, because commands are to be copied; sentences go on
    below themselves."""
    ordered = sorted(found, key=lambda lost: lost.node)
    blocks = [_block(tuple(pods), now, width) for _, pods in groupby(ordered, key=lambda lost: lost.node)]
    return "\n\n".join("\n".join(render(line, width=None, colour=colour) for line in block) for block in blocks)


def total(found: Iterable[LostPod], *, nodes_read: bool, pods_read: bool) -> str:
    """What there is to tell in one line, and what could not be read."""
    pods = tuple(found)
    lost, unsure = (sum(pod.held is held for pod in pods) for held in (Held.LOST, Held.UNSURE))
    parts = [f"{count(lost, 'pod')} lost"] if lost else []
    parts += [f"{count(unsure, 'pod')} overdue on nodes that could not be read"] if unsure else []
    waiting = len(pods) - lost - unsure
    parts += [f"{count(waiting, 'pod')} on nodes that do not answer"] if waiting else []
    text = ", ".join(parts) or "no pod is held by a node that does not answer"
    unread = [name for name, read in (("nodes", nodes_read), ("pods", pods_read)) if not read]
    if not pods and unread:
        text = "unknown whether pods are lost"
    return text + (f"\nnot read: {', '.join(unread)}" if unread else "")


def many(found: Iterable[LostPod], output: str, *, namespaces: bool = False) -> str:
    """For programs: ``json``, ``yaml``, or ``name``, one a line, which with ``namespaces`` says where each of them is."""
    pods = tuple(found)
    if output == "name":
        where = [f"{clean(pod.namespace)}/" if namespaces else "" for pod in pods]
        return "\n".join(f"{place}pod/{clean(pod.name, documents.LONGEST_NAME)}" for place, pod in zip(where, pods, strict=True))
    items = [_document(pod) for pod in pods]
    return documents.dump({"apiVersion": documents.API_VERSION, "kind": "LostPodList", "items": items}, output)


def _block(pods: tuple[LostPod, ...], now: datetime, width: int | None) -> list[Line]:
    first = pods[0]
    since = f", for {age.age(first.since, now)}" if first.since is not None else ""
    lines: list[Line] = [
        ((f"node {clean(first.node)}", Ink.BOLD), plain("  "), (safety_words.node_state(first.node_state) + since, Ink.BAD))
    ]
    branches: list[tuple[str, list[Piece]]] = []
    conditions = [plain(text) for text in _conditions(first)]
    if conditions:
        branches.append(("Conditions", conditions))
    if first.taints:
        branches.append(("Taints", [plain(_taint(taint.key, taint.value, taint.effect)) for taint in first.taints]))
    branches.append(("Pods", list(_pods(pods, now))))
    branches.append(("Choices, the safest first", list(_choices(pods))))
    for index, (name, leaves) in enumerate(branches):
        last = index == len(branches) - 1
        lines.append((faint("└─ " if last else "├─ "), (name, Ink.BOLD)))
        stem = faint("   " if last else "│  ")
        room = width - 3 if width is not None else None
        lines += [(stem, (text, ink)) for leaf, ink in leaves for text in prose(leaf, room).split("\n")]
    return lines


def _conditions(lost: LostPod) -> Iterator[str]:
    """Ready, and whatever else the node complains about."""
    for condition in lost.conditions:
        fine = condition.status == ("True" if condition.type == "Ready" else "False")
        if condition.type == "Ready" or not fine:
            told = ": ".join(clean(part) for part in (condition.reason, condition.message) if part)
            yield f"{clean(condition.type)} {clean(condition.status)}" + (f"  {told}" if told else "")


def _taint(key: str, value: str, effect: str) -> str:
    return clean(key) + (f"={clean(value)}" if value else "") + f":{clean(effect)}"


def _pods(pods: tuple[LostPod, ...], now: datetime) -> Iterator[Piece]:
    for pod in pods:
        overdue = f", overdue for {age.age(pod.deadline, now)}" if pod.deadline is not None and pod.deadline <= now else ""
        ink = Ink.BUSY if pod.held is Held.WAITING else Ink.BAD
        yield f"{clean(pod.namespace)}/{clean(pod.name)}  {safety_words.held(pod)}{overdue}", ink
        yield from (plain(f"  {_volume(hold, pod.node)}") for hold in pod.volumes)


def _volume(hold: HeldVolume, node: str) -> str:
    claim = f"claim {clean(hold.claim)}" + (" (Terminating)" if hold.terminating else "")
    if not hold.volume:
        return f"{claim}, volume unknown"
    claim += f", volume {clean(hold.volume)}"
    if hold.attached_to is None:
        return f"{claim}, attachment unknown"
    if not hold.attached_to:
        return f"{claim}, no attachment on record"
    where = ", ".join("this node" if place == node else clean(place) for place in hold.attached_to)
    return f"{claim}, attached to {where}"


def _choices(pods: tuple[LostPod, ...]) -> Iterator[Piece]:
    """What is true of the node is said once; what is done to a pod, with a command for each."""
    choices = dict.fromkeys(choice for pod in pods for choice in pod.choices)
    for number, choice in enumerate(choices, 1):
        yield plain(f"{number}. {safety_words.choice(choice, pods[0].node)}")
        commands = dict.fromkeys(
            command for pod in pods if choice in pod.choices for command in safety_words.commands(choice, pod)
        )
        yield from ((f"   {command}", Ink.BOLD) for command in commands)


def _document(pod: LostPod) -> dict[str, Any]:
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "LostPod",
        "metadata": {"namespace": pod.namespace, "name": pod.name, "uid": pod.uid},
        "set": pod.set,
        "setKind": documents.of_kind(pod.kind),
        "held": pod.held,
        "phase": pod.phase,
        "deadline": pod.deadline,
        "node": {
            "name": pod.node,
            "state": pod.node_state,
            "since": pod.since,
            "conditions": [
                {"type": item.type, "status": item.status, "reason": item.reason, "message": item.message}
                for item in pod.conditions
            ],
            "taints": [{"key": item.key, "value": item.value, "effect": item.effect} for item in pod.taints],
        },
        "volumes": [
            {
                "claim": hold.claim,
                "volume": hold.volume or None,
                "attachedTo": hold.attached_to,
                "terminating": hold.terminating,
            }
            for hold in pod.volumes
        ],
        "findings": [documents.finding(each) for each in pod.findings],
        "choices": [
            {"choice": choice, "commands": list(safety_words.commands(choice, pod))} for choice in pod.choices
        ],
    }
