"""Sets with what belongs to them: out of one pass over everything, the same verdicts as by looking for each set alone."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import (
    ClaimTemplate,
    ControllerRevision,
    Inventory,
    ObjectMeta,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    ServerVersion,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.rollout.assessing import assess
from tests.domain.builders import NOW, pod, statefulset
from tests.domain.examples import cases

NAMES = ("web", "web-db", "db", "a-web")
TEMPLATES = ("data", "data-a", "log")


def one(name: str, namespace: str, templates: tuple[str, ...]) -> StatefulSet:
    made = statefulset(name=name, replicas=2)
    return replace(
        made,
        metadata=replace(made.metadata, namespace=namespace, uid=f"{namespace}/{name}"),
        spec=replace(made.spec, volume_claim_templates=tuple(ClaimTemplate(metadata=ObjectMeta(name=template)) for template in templates)),
    )


def one_pod(owner: str, namespace: str, ordinal: int, mounts: tuple[str, ...]) -> Pod:
    made = pod(ordinal, owner=f"{namespace}/{owner}", name=f"{owner}-{ordinal}", mounts=mounts)
    return replace(made, metadata=replace(made.metadata, namespace=namespace))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    places = st.sampled_from(("prod", "test"))
    sets = {
        (item.namespace, item.name): item
        for item in draw(st.lists(st.builds(one, st.sampled_from(NAMES), places, st.sampled_from(((), TEMPLATES[:1], TEMPLATES))), max_size=5))
    }
    claim_names = st.builds(
        lambda template, name, ordinal: f"{template}-{name}-{ordinal}", st.sampled_from(TEMPLATES), st.sampled_from(NAMES), st.integers(0, 2)
    ) | st.sampled_from(("shared", "data-web-x", "data-web"))
    pods = {
        (item.namespace, item.name): item
        for item in draw(
            st.lists(st.builds(one_pod, st.sampled_from(NAMES), places, st.integers(0, 3), st.lists(claim_names, max_size=2).map(tuple)), max_size=10)
        )
    }
    claims = {
        (item.namespace, item.name): item
        for item in draw(
            st.lists(
                st.builds(
                    lambda name, namespace, phase: PersistentVolumeClaim(
                        metadata=ObjectMeta(name=name, namespace=namespace), status=PersistentVolumeClaimStatus(phase=phase)
                    ),
                    claim_names, places, st.sampled_from(("Bound", "Pending")),
                ),
                max_size=12,
            )
        )
    }  # fmt: skip
    revisions = [
        ControllerRevision(
            metadata=ObjectMeta(name=f"{item.name}-1", namespace=item.namespace, owner_references=item.metadata.owner_references), revision=1
        )
        for item in pods.values()
    ]
    return Inventory(
        sets=tuple(sets.values()), pods=tuple(pods.values()), claims=tuple(claims.values()), revisions=tuple(revisions), server=ServerVersion(git_version="v1.37.2")
    )


@cases(100)
@given(inventory=inventories())
def test_the_same_as_looking_for_each_alone(inventory: Inventory) -> None:
    found = snapshots(inventory)
    assert [snapshot.set for snapshot in found] == list(inventory.sets)
    for snapshot in found:
        owner = snapshot.set
        assert owner is not None and inventory.pods is not None and inventory.claims is not None and inventory.revisions is not None
        alone = SetView(
            set=owner,
            pods=tuple(item for item in inventory.pods if item.namespace == owner.namespace),
            revisions=tuple(item for item in inventory.revisions if item.namespace == owner.namespace),
            claims=tuple(item for item in inventory.claims if item.namespace == owner.namespace),
            server=inventory.server,
        )
        assert assess(snapshot, NOW) == assess(alone, NOW)


def test_what_cannot_be_read_stays_unreadable() -> None:
    inventory = Inventory(sets=(one("web", "prod", TEMPLATES),), pods=None, revisions=None, claims=None)
    (found,) = snapshots(inventory)
    assert (found.pods, found.revisions, found.claims) == (None, None, None)


def test_a_pod_of_an_owner_that_does_not_control_it_is_nobodys() -> None:
    stray = pod(0)
    stray = replace(stray, metadata=replace(stray.metadata, owner_references=(OwnerReference(kind="StatefulSet", name="web", uid="prod/web"),)))
    (found,) = snapshots(Inventory(sets=(one("web", "prod", ()),), pods=(stray,)))
    assert found.pods == ()


def test_a_claim_that_pods_mount_besides_those_of_the_templates() -> None:
    shared = PersistentVolumeClaim(metadata=ObjectMeta(name="shared", namespace="prod"), status=PersistentVolumeClaimStatus(phase="Bound"))
    inventory = Inventory(sets=(one("web", "prod", ()),), pods=(one_pod("web", "prod", 0, ("shared",)),), claims=(shared,))
    (found,) = snapshots(inventory)
    assert found.claims == (shared,)
    assert assess(found, NOW).members[0].claims[0].phase == "Bound"
