"""Two runs over one claim and its volume, in every order of their requests: no data is lost that one of them counted on."""

from collections.abc import Callable, Generator, Iterator

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import AnnotateClaim, ClaimChange, DeleteClaim, SetRetain, UndoRetain
from kubectl_pets.domain.model import ObjectMeta, PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionOptions, deletion
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeStatus
from kubectl_pets.domain.orphans.retention import (
    NOBODY,
    PROVISIONED_BY,
    PROVISIONER_ANNOTATION,
    fence,
    give_back,
    is_withheld,
    keeps,
    provisioner_before,
    take_hold,
    undo_retain,
    withhold,
)
from tests.domain.orphans.builders import NOW, claim, estate, one, volume


class Server:
    """The claim and its volume with their resourceVersions, as the API server and the volume controller keep them."""

    def __init__(self) -> None:
        self.claim: PersistentVolumeClaim | None = claim("data-web-4", resource_version="1")
        self.volume = volume(self.claim, resource_version="1")
        self.destroyed = False
        self._last = 1

    def put(self, change: ClaimChange) -> bool:
        """False: what it relies on is no longer so (409, 404)."""
        match change:
            case SetRetain() | UndoRetain():
                if change.resource_version != self.volume.metadata.resource_version or self.destroyed:
                    return False
                retains = isinstance(change, SetRetain)
                notes = self.volume.metadata.annotations | change.annotations if isinstance(change, SetRetain) else {}
                self._write(replace(self.volume.metadata, annotations=notes), "Retain" if retains else getattr(change, "policy"))
            case AnnotateClaim() | DeleteClaim():
                if self.claim is None or change.resource_version != self.claim.metadata.resource_version:
                    return False
                self._last += 1
                meta = replace(self.claim.metadata, resource_version=str(self._last))
                self.claim = replace(self.claim, metadata=meta) if isinstance(change, AnnotateClaim) else None
        return True

    def sees(self) -> None:
        """The volume controller: a volume without its claim is Released, and destroyed where its policy says so."""
        if self.claim is None and not self.destroyed:
            if self.volume.status.phase != "Released":
                self._last += 1
                meta = replace(self.volume.metadata, resource_version=str(self._last))
                self.volume = replace(self.volume, metadata=meta, status=PersistentVolumeStatus(phase="Released"))
            self.destroyed = self.volume.spec.persistent_volume_reclaim_policy == "Delete"

    def _write(self, meta: ObjectMeta, policy: str) -> None:
        self._last += 1
        self.volume = replace(
            self.volume,
            metadata=replace(meta, resource_version=str(self._last)),
            spec=replace(self.volume.spec, persistent_volume_reclaim_policy=policy),
        )


Run = Generator[None, None, str]


def judged(server: Server, run: str) -> Deletion | None:
    if server.claim is None:
        return None
    found = deletion(one(estate(server.claim, volumes={server.volume.name: server.volume})), DeletionOptions(run=run), NOW)
    return found if isinstance(found, Deletion) else None


def deletes(server: Server, run: str) -> Run:
    """A deletion, its answers taken one request at a time; it gives up where anything has changed."""
    decided = judged(server, run)
    yield
    for _ in range(3):
        if decided is None:
            return "gone"
        retain = decided.steps[0]
        if isinstance(retain, SetRetain):
            held = server.put(retain)
            yield
            decided = judged(server, run)
            yield
            if not held:
                continue
        if decided is None or not keeps(server.volume, decided.verdict.claim, server.volume.metadata.uid, run):
            decided = judged(server, run)
            yield
            continue
        yield
        last = decided.steps[-1]
        if isinstance(last, DeleteClaim) and server.put(last):
            return "retained"
        yield
        decided = judged(server, run)
        yield
    return "gave up"


def puts_back(server: Server, run: str) -> Run:
    """Somebody types ``restore`` with the record of the run that was stopped."""
    volume, item = server.volume, server.claim
    yield
    hold = take_hold(volume, item, "Delete", run) if item is not None else None
    if item is None or hold is None or not server.put(hold):
        return "left"
    yield
    fenced = server.put(fence(item, run, NOW))
    yield
    if not fenced:
        return "left"
    item = server.claim
    yield
    undo = undo_retain(server.volume, item, "Delete", run)
    yield
    return "put back" if undo is not None and server.put(undo) else "left"


def gives_up(server: Server, run: str) -> Run:
    """A run that has set the volume to Retain and then finds that the claim is wanted."""
    decided = judged(server, run)
    yield
    retain = decided.steps[0] if decided else None
    if not isinstance(retain, SetRetain) or not server.put(retain):
        return "left"
    yield
    item, volume = server.claim, server.volume
    yield
    if item is None or volume.metadata.annotations.get("kubectl-pets/run") != run or not server.put(fence(item, run, NOW)):
        return "left"
    yield
    item = server.claim
    yield
    undo = undo_retain(server.volume, item, "Delete", run)
    yield
    return "put back" if undo is not None and server.put(undo) else "left"


def orders(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """Every way to shuffle two rows of steps."""
    if not first or not second:
        yield (0,) * first + (1,) * second
        return
    for rest in orders(first - 1, second):
        yield (0, *rest)
    for rest in orders(first, second - 1):
        yield (1, *rest)


def play(order: tuple[int, ...], makers: tuple[Callable[[Server, str], Run], ...], late: bool) -> tuple[Server, list[str]]:
    """``late``: the volume controller sees a deletion only when all is over."""
    server, said = Server(), ["", ""]
    runs = [make(server, name) for make, name in zip(makers, ("first", "second"), strict=True)]
    for who in (*order, *(0,) * 30, *(1,) * 30):
        if not said[who]:
            try:
                next(runs[who])
            except StopIteration as end:
                said[who] = end.value
        if not late:
            server.sees()
    server.sees()
    return server, said


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("second", [deletes, puts_back, gives_up])
@pytest.mark.parametrize("first", [deletes, gives_up])
def test_whatever_one_run_called_retained_is_there(first: Callable[[Server, str], Run], second: Callable[[Server, str], Run], late: bool) -> None:
    endings = set()
    for order in orders(8, 8):
        server, said = play(order, (first, second), late)
        endings.add(tuple(said))
        if "retained" in said:
            assert not server.destroyed, (order, said)
        assert said.count("retained") <= 1
    assert len(endings) > 1  # the runs do meet


@pytest.mark.slow
def test_without_the_fence_data_would_be_lost() -> None:
    """That this test can fail: a run that puts the policy back and does not touch the claim destroys what another one retained."""

    def careless(server: Server, run: str) -> Run:
        item = server.claim
        hold = take_hold(server.volume, item, "Delete", run) if item is not None else None
        yield
        if hold is None or not server.put(hold):
            return "left"
        yield
        undo = undo_retain(server.volume, server.claim, "Delete", run)
        yield
        return "put back" if undo is not None and server.put(undo) else "left"

    played = [play(order, (deletes, careless), True) for order in orders(8, 8)]
    assert any("retained" in said and server.destroyed for server, said in played)


def test_a_policy_goes_back_only_onto_a_volume_that_is_bound_to_a_claim_that_stays() -> None:
    item = claim("data-web-4")
    notes = {"kubectl-pets/run": "mine"}
    held = volume(item, "Retain", annotations=notes)
    assert undo_retain(held, item, "Delete", "mine") is not None
    released = volume(item, "Retain", phase="Released", annotations=notes)
    going = volume(item, "Retain", annotations=notes, deletion_timestamp=NOW)
    anew = claim("data-web-4", uid="anew", volume_name=item.spec.volume_name)
    refused: list[tuple[PersistentVolume | None, PersistentVolumeClaim | None]] = [
        (released, item), (going, item), (held, anew), (held, claim("data-web-4", deleted=True)), (held, None), (None, item),
    ]
    for found, live in refused:
        assert undo_retain(found, live, "Delete", "mine") is None
    assert undo_retain(held, item, "Delete", "another") is None
    assert take_hold(released, item, "Delete", "mine") is None


@pytest.mark.parametrize("before", ["csi.example.com", ""])
def test_a_volume_is_withheld_once_and_is_what_it_was_with_its_policy(before: str) -> None:
    """``before`` empty: a static volume, on which nobody's name stood."""
    item = claim("data-web-4")
    annotations = {"kubectl-pets/run": "mine", **({PROVISIONED_BY: before} if before else {})}
    bound = volume(item, "Retain", annotations=annotations)
    change = withhold(bound)
    assert change is not None and not is_withheld(bound) and provisioner_before(bound) == {}
    assert (change.uid, change.resource_version) == (bound.metadata.uid, "3")
    held = volume(item, "Retain", annotations=annotations | {key: str(text) for key, text in change.annotations.items()})
    assert is_withheld(held) and withhold(held) is None
    undo = undo_retain(held, item, "Delete", "mine")
    assert undo is not None and undo.restores == {PROVISIONED_BY: before or None} and PROVISIONER_ANNOTATION in undo.forgets
    assert give_back(held).annotations == {PROVISIONED_BY: before or None, PROVISIONER_ANNOTATION: None}


def test_nobodys_name_is_no_in_tree_plugins() -> None:
    """Whose absence the PersistentVolume controller would call an error (findDeletablePlugin), upon which it looks at the volume."""
    assert NOBODY and not NOBODY.startswith("kubernetes.io/")
