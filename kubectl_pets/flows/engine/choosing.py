"""Which sets a look is at: those that were named, or all of a namespace or of the cluster, narrowed by labels."""

from collections.abc import Sequence

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.inventory import away, snapshots
from kubectl_pets.domain.model import Inventory, SetView
from kubectl_pets.domain.sets.kinds import SetRef, kind_of, ref_of
from kubectl_pets.errors import NotFoundError, UsageError
from kubectl_pets.pasting import again, pets
from kubectl_pets.session import Session, Terminal
from kubectl_pets.views.text.phrases import count


class SetSelection(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed: names, or a selector and perhaps all namespaces."""

    names: tuple[SetRef, ...] = ()
    selector: str | None = None
    all_namespaces: bool = False

    @property
    def many(self) -> bool:
        """Whether the answer is a list, however many sets there are."""
        return len(self.names) != 1

    def check(self, verb: str) -> None:
        """Raises UsageError where names and what selects sets were typed together."""
        if self.names and (self.all_namespaces or self.selector):
            first = self.names[0]
            typed = (each.typed for each in self.names)
            alone = again(verb, *typed, without=("--all-namespaces", "--selector"), namespace=first.namespace)
            raise UsageError("names and -A or -l exclude each other.", hint=alone)

    def check_some(self, verb: str) -> None:
        """As ``check``, and raises UsageError where nothing was typed at all: for verbs that are not about a whole namespace."""
        self.check(verb)
        if not self.names and not self.selector and not self.all_namespaces:
            hint = f"{pets(verb, '--help')} shows its flags."
            raise UsageError("Missing argument 'NAME'; or say -l SELECTOR, or -A.", hint=hint)


def views(session: Session, choice: SetSelection, *, groups: bool = False) -> tuple[tuple[SetView, ...], tuple[str, ...]]:
    """The sets, and the resources of which there may be more that could not be read; these are told. Raises NotFoundError for a
    name that no set has."""
    if choice.names:
        cluster = session.cluster
        return tuple(cluster.set_view(at(session, ref), ref.name, ref.kind) for ref in choice.names), ()
    namespace = None if choice.all_namespaces else session.namespace
    found = session.cluster.inventory(namespace, choice.selector, every_kind=True, groups=groups)
    tell_kinds_not_read(session.terminal, found)
    if not choice.selector:
        tell_away(session.terminal, found)
    return snapshots(found), found.kinds_not_read


def tell_kinds_not_read(terminal: Terminal, inventory: Inventory) -> None:
    """Say which kinds of sets could not be looked at, so that nobody takes a list for all that there is."""
    for resource in inventory.kinds_not_read:
        terminal.tell(f"note: {resource} could not be read, so there may be more sets than are told here")


def tell_away(terminal: Terminal, inventory: Inventory) -> None:
    """Say which sets are not there although their pods are: nothing of such a set is done, and nothing of it left over."""
    for each in away(inventory):
        told = f"{clean(each.namespace)}/{clean(each.name)}: {count(each.pods, 'pod')} without a StatefulSet"
        terminal.tell(f"note: {told}, which was deleted alone; {pets('status', each.name, namespace=each.namespace)} says more")


def refs(session: Session, choice: SetSelection) -> tuple[SetRef, ...]:
    """The sets by name, in their order; raises NotFoundError where nothing is selected, for nothing is not what is waited for."""
    if choice.names:
        return choice.names
    looks, _ = views(session, choice)
    found = [look.set for look in looks if look.set is not None]
    if not found:
        place = ("-A",) if choice.all_namespaces else ()
        hint = pets("list", *place, "--show-labels", namespace="" if place else session.namespace)
        raise NotFoundError("no StatefulSet is selected", hint=hint)
    return tuple(map(ref_of, found))


def at(session: Session, ref: SetRef) -> str:
    """The namespace of a set that was named."""
    return ref.namespace or session.namespace


def watched_namespace(session: Session, choice: SetSelection) -> str | None:
    """Where to watch; None: in all namespaces. Raises UsageError for names of several namespaces."""
    if choice.all_namespaces:
        return None
    places = {at(session, ref) for ref in choice.names} or {session.namespace}
    if len(places) > 1:
        raise UsageError("-w shows sets of one namespace, or with -A of all.", hint=pets("list", "-A", "-w"))
    return places.pop()


def narrowed(session: Session, inventory: Inventory, names: Sequence[SetRef]) -> Inventory:
    """The inventory with only the sets that were named, if any were."""
    if not names:
        return inventory
    wanted = {(at(session, ref), ref.name, ref.kind.group) for ref in names}
    sets = tuple(each for each in inventory.sets if (each.namespace, each.name, kind_of(each).group) in wanted)
    return msgspec.structs.replace(inventory, sets=sets)


def expect(session: Session, inventory: Inventory, names: Sequence[SetRef]) -> None:
    """Raises NotFoundError, with what may have been meant, where a set that was named is not in the inventory."""
    there = {(each.namespace, each.name, kind_of(each).group) for each in inventory.sets}
    for ref in names:
        if (at(session, ref), ref.name, ref.kind.group) not in there:
            session.cluster.set_view(at(session, ref), ref.name, ref.kind)
