"""The objects as real servers send them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.model import ControllerRevision, Pod, ServerVersion, StatefulSet, Value, ordinal_of
from tests.domain.examples import cases


@pytest.mark.parametrize(
    ("pod", "owner", "ordinal"),
    [
        ("web-0", "web", 0),
        ("web-10", "web", 10),
        ("web-2147483647", "web", 2147483647),
        ("web-2147483648", "web", None),
        ("web-99999999999999999999", "web", None),
        ("web-01", "web", None),
        ("web-00", "web", None),
        ("web-", "web", None),
        ("web", "web", None),
        ("web--1", "web", None),
        ("web-1a", "web", None),
        ("web-1\n", "web", None),
        ("web-1", "we", None),
        ("web-db-1", "web", None),
        ("web-db-1", "web-db", 1),
        ("web-1-2", "web-1", 2),
        ("web-1-2", "web", None),
        ("web-\N{ARABIC-INDIC DIGIT ONE}", "web", None),
        ("", "", None),
        ("-1", "", 1),
    ],
)
def test_ordinal(pod: str, owner: str, ordinal: int | None) -> None:
    assert ordinal_of(pod, owner) == ordinal


@cases(100)
@given(owner=st.text(max_size=8), number=st.integers(0, 2**31 - 1), other=st.text(max_size=8))
def test_ordinals_there_and_back(owner: str, number: int, other: str) -> None:
    assert ordinal_of(f"{owner}-{number}", owner) == (number if "\n" not in owner else None)
    assert other == owner or ordinal_of(f"{owner}-{number}", other) is None


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("v1.37.2", (1, 37, 2)),
        ("v1.35.3-gke.1389000", (1, 35, 3)),
        ("v1.34.1+k3s1", (1, 34, 1)),
        ("v1.36.0-rc.1", (1, 36, 0)),
        ("1.33", (1, 33, 0)),
        ("", None),
        ("latest", None),
    ],
)
def test_release(version: str, release: tuple[int, int, int] | None) -> None:
    assert ServerVersion(major="1", minor="37+", git_version=version).release() == release


def test_version_as_the_server_says_it() -> None:
    sent = b'{"major":"1","minor":"35+","gitVersion":"v1.35.2-eks-1","gitCommit":"x","platform":"linux/amd64","emulationMajor":"1"}'
    assert msgspec.json.decode(sent, type=ServerVersion).release() == (1, 35, 2)


def test_a_set_just_created() -> None:
    sent = b"""{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web","namespace":"prod","uid":"1","generation":1,
      "creationTimestamp":"2026-03-01T12:00:00Z"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"creationTimestamp":null},"spec":{"containers":[{"name":"app","image":"app:1","resources":{}}]}},
      "serviceName":"","updateStrategy":{"type":"OnDelete"},
      "volumeClaimTemplates":[{"metadata":{"name":"data","creationTimestamp":null},"status":{"phase":"Pending"}}]},"status":{}}"""
    found = msgspec.json.decode(sent, type=StatefulSet)
    assert (found.spec.replicas, found.status.update_revision, found.partition, found.start) == (3, "", 0, 0)
    assert found.spec.volume_claim_templates[0].name == "data" and found.spec.template.metadata.creation_timestamp is None


@pytest.mark.parametrize(
    ("strategy", "partition", "max_unavailable"),
    [
        ('{"type":"RollingUpdate","rollingUpdate":{"partition":2}}', 2, None),
        ('{"type":"RollingUpdate","rollingUpdate":{"partition":null,"maxUnavailable":"50%"}}', 0, "50%"),
        ('{"rollingUpdate":{"maxUnavailable":2}}', 0, 2),
        ('{"type":"RollingUpdate","rollingUpdate":null}', 0, None),
        ("{}", 0, None),
    ],
)
def test_strategies(strategy: str, partition: int, max_unavailable: int | str | None) -> None:
    found = msgspec.json.decode(f'{{"spec":{{"updateStrategy":{strategy},"ordinals":null}}}}', type=StatefulSet)
    rolling = found.spec.update_strategy.rolling_update
    assert (found.partition, rolling.max_unavailable if rolling else None) == (partition, max_unavailable)


def test_an_empty_document_is_a_set_of_one() -> None:
    """The API server defaults replicas to 1."""
    assert msgspec.json.decode(b"{}", type=StatefulSet).spec.replicas == 1


def test_nulls_in_a_pod() -> None:
    sent = b"""{"metadata":{"name":"web-0","deletionTimestamp":null},"spec":{"volumes":[{"name":"tmp","emptyDir":{}},
      {"name":"data","persistentVolumeClaim":{"claimName":"data-web-0"}}]},"status":{"phase":"Pending","conditions":[
      {"type":"Ready","status":"False","lastProbeTime":null,"lastTransitionTime":null}],"containerStatuses":[{"name":"app",
      "ready":false,"restartCount":0,"image":"app:1","imageID":"","state":{"terminated":{"exitCode":0,"startedAt":null,
      "finishedAt":null}},"lastState":{}}],"podIP":"10.0.0.1"}}"""
    found = msgspec.json.decode(sent, type=Pod)
    assert not found.terminating and found.revision == "" and found.status.pod_ip == "10.0.0.1"
    ready = found.status.condition("Ready")
    assert ready is not None and ready.last_transition_time is None
    assert found.status.condition("PodScheduled") is None
    assert [volume.persistent_volume_claim is None for volume in found.spec.volumes] == [True, False]


def test_a_revision_holds_a_patch() -> None:
    sent = b"""{"metadata":{"name":"web-1"},"revision":7,"data":{"spec":{"template":{"$patch":"replace","metadata":
      {"creationTimestamp":null},"spec":{"containers":[{"name":"app","image":"app:1"}],"nodeSelector":null}}}}}"""
    found = msgspec.json.decode(sent, type=ControllerRevision)
    assert found.revision == 7 and found.data.spec.template.spec.containers[0].image == "app:1"


def test_no_value_of_the_api_is_looked_through_for_circles() -> None:
    """Half of the time that 20,000 claims take went there."""
    kinds = [Value]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert not kind.__struct_config__.gc, kind
    assert len(kinds) > 40
