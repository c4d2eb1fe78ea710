"""Completes command lines, in the words of kubectl's plugin completion (kubectl ``plugin_completion.go``, cobra
``ShellCompDirective``): candidates one a line, a tab before a description, and a last line with what the shell shall do besides.

Click walks the words with the verbs' own parsers, so that a flag means here what it means when the verb runs. Whatever goes wrong
(no cluster, no right, a broken kubeconfig, no answer within the time), the answer is no candidates and not a word besides: this
runs while somebody types. Names from the cluster are untrusted, so only what can be a name is printed.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import IntFlag
from threading import Thread
from typing import TYPE_CHECKING, Literal

import click
from msgspec.structs import replace

from kubectl_pets.cleaning import clean
from kubectl_pets.cli.pflag import as_kubectl_reads
from kubectl_pets.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubectl_pets.domain.sets.kinds import SetRef

#: The program's first word when completion is wanted, as with every program made with cobra.
WORD = "__complete"

#: A shell waits so many seconds for an answer, and no longer.
PATIENCE = 2.0

#: A set may claim to have any number of replicas; nobody picks from more than this.
_MOST = 1000

#: Seconds for a credential plugin to be ended when that time is over.
_PARTING = 1.0

#: RFC 1123 subdomains, which is what namespaces, sets, pods, claims and containers are called at most.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

#: What tools call contexts, clusters and users ("kubernetes-admin@kubernetes", "arn:aws:eks:...:cluster/web"). Others exist and
#: are left out: a shell would take them for more than one word, or for something to run.
_ENTRY = re.compile(r"[A-Za-z0-9_][\w.:/@+=,~%-]{0,251}", re.ASCII)


class Directive(IntFlag):
    """cobra's ``ShellCompDirective``, as far as it is used."""

    FILES = 0  #: where there is no candidate, the shell completes files
    NO_SPACE = 2
    NO_FILES = 4
    FOLDERS = 16
    KEEP_ORDER = 32


def hush() -> None:
    """Make sure that nothing here talks or asks, credential plugins included: kubectl hands its own stdin and stderr on, and
    a program that wants to ask something opens the terminal that it belongs to."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 2)
    if sys.platform != "win32":
        try:
            os.setsid()
        except OSError:
            pass  # this process leads its group already, as a shell's job


def complete(cli: click.Command, words: Sequence[str], session: Session, patience: float = PATIENCE) -> None:
    """Print the candidates for the last of the words (the others are complete), within ``patience`` seconds. Never raises."""
    answers: list[str] = []
    session.flags = replace(session.flags, request_timeout=patience)

    def look() -> None:
        try:
            answers.append(_answer(cli, words, session))
        except Exception:
            pass

    # Looking up a host's name or starting a plugin has no time limit of its own, so the whole of it is left to itself.
    worker = Thread(target=look, daemon=True, name="kubectl-pets-complete")
    worker.start()
    worker.join(patience)
    session.terminal.print(answers[0] if answers else f":{Directive.NO_FILES:d}")
    if worker.is_alive():
        session.close()
        worker.join(_PARTING)


def _answer(cli: click.Command, words: Sequence[str], session: Session) -> str:
    from click.shell_completion import ShellComplete

    *typed, last = words or [""]
    directive, lines = Directive.NO_FILES, []
    for item in ShellComplete(cli, {"obj": session}, cli.name or "", "").get_completions(as_kubectl_reads(typed), last):
        if item.type != "plain":
            directive = Directive.FOLDERS if item.type == "dir" else Directive.FILES
            continue
        directive |= item.directive or 0
        lines.append(f"{item.value}\t{clean(item.help)}" if item.help else item.value)
    return "\n".join([*lines, f":{directive:d}"])


def verbs(known: Iterable[tuple[str, str]], incomplete: str) -> "list[CompletionItem]":
    """Completion items for those of the (name, help) pairs whose name begins with what was typed."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name, help=about) for name, about in known if name.startswith(incomplete)]


def files(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def configured(part: Literal["contexts", "clusters", "users"]) -> "Callable[..., list[CompletionItem]]":
    """Completes names of the kubeconfig; asks no server."""

    def fitting(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return _items(_asked(context, part, lambda session: session.configured(part), _ENTRY), incomplete)

    return fitting


def namespaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    return _items(_asked(context, "namespaces", lambda session: session.cluster.names("namespaces", None)), incomplete)


def sets(
    context: click.Context, parameter: click.Parameter, incomplete: str, *, every_kind: bool = True
) -> "list[CompletionItem]":
    """``web``, or ``sts/web`` and ``kruise/web`` where a kind was typed. ``every_kind``: not of apps/v1 alone."""
    word, slash, _ = incomplete.rpartition("/")
    if not slash:
        return _kinded(context, "statefulsets", incomplete)
    from kubectl_pets.domain.sets.kinds import APPS_SET, kind_named

    kind = kind_named(word)
    if kind is None or not (every_kind or kind is APPS_SET):
        return []
    return _kinded(context, "statefulsets" if kind is APPS_SET else kind.resource, incomplete)


def claims(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Claims of the namespace that were not typed yet; also ``pvc/NAME``."""
    typed = {each.name for each in context.params.get(parameter.name or "") or ()}
    found = _kinded(context, "persistentvolumeclaims", incomplete)
    return [item for item in found if item.value.rpartition("/")[2] not in typed]


def pods(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Pods that the set typed before should have, or their ordinals where a digit was typed; in the order of ordinals."""
    owner = _set_typed(context)
    ordinals = _of_set(context, "ordinals", lambda session: _ordinals(session, owner)) if owner.name else []
    typed = context.params.get(parameter.name or "") or ()
    named = [f"{owner.name}-{ordinal}" for ordinal in ordinals] + (ordinals if incomplete[:1].isdigit() else [])
    return _items([each for each in named if each not in typed], incomplete, Directive.KEEP_ORDER)


def containers(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """``CONTAINER=`` for each container of the set typed before; what image it gets nobody knows."""
    owner = _set_typed(context)
    named = _of_set(context, "containers", lambda session: _containers(session, owner)) if owner.name else []
    return _items([f"{each}=" for each in named], incomplete, Directive.NO_SPACE)


def _items(names: Iterable[str], incomplete: str, directive: Directive = Directive.FILES) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(name, directive=directive) for name in names if name.startswith(incomplete)]


def _kinded(context: click.Context, resource: str, incomplete: str) -> "list[CompletionItem]":
    kind, slash, _ = incomplete.rpartition("/")
    names = _asked(context, resource, lambda session: session.cluster.names(resource, session.namespace))
    return _items([f"{kind}{slash}{name}" for name in names], incomplete)


def _of_set(context: click.Context, what: str, ask: Callable[[Session], Iterable[str]]) -> list[str]:
    return _asked(context, f"{what} of {_set_typed(context).typed}", ask)


def _set_typed(context: click.Context) -> "SetRef":
    """The set that stands on the command line already; its name is "" where there is none. An option that still lacks its value
    ends click's parsing before the words are given to arguments; they are left over then."""
    from kubectl_pets.domain.sets.kinds import APPS_SET, SetRef, kind_named

    typed = context.params.get("name") or next(iter(context.args), "")
    if isinstance(typed, SetRef):
        return typed
    word, slash, name = str(typed).rpartition("/")
    kind = kind_named(word) if slash else APPS_SET
    return SetRef(kind=kind or APPS_SET, name=name if kind is not None and _NAME.fullmatch(name) else "")


def _ordinals(session: Session, owner: "SetRef") -> list[str]:
    from kubectl_pets.domain.sets.slots import slots_of

    slots = slots_of(session.cluster.stateful_set(session.namespace, owner.name, owner.kind))
    return [str(slots.ordinal(position)) for position in range(min(len(slots), _MOST))]


def _containers(session: Session, owner: "SetRef") -> list[str]:
    from kubectl_pets.domain.sets.grouping import pod_template

    found = session.cluster.stateful_set(session.namespace, owner.name, owner.kind)
    return [each.name for each in pod_template(found).spec.containers]


def _asked(
    context: click.Context, question: str, ask: Callable[[Session], Iterable[str]], fits: re.Pattern[str] = _NAME
) -> list[str]:
    """The names that answer a question, remembered or asked; only those that can be names."""
    from kubectl_pets.cli.recalling import Memory

    session = context.find_object(Session)
    assert session is not None
    memory = Memory(session.flags, os.environ)
    names = memory.recall(question)
    if names is None:
        names = tuple(name for name in ask(session) if fits.fullmatch(name))
        memory.keep(question, names)
    return [name for name in names if fits.fullmatch(name)]
