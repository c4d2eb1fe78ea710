"""``list -o openmetrics``: samples that Prometheus reads, and none for what is not known."""

import re

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.views.rollout import metrics
from tests.views import builders
from tests.views.builders import NOW

SAMPLE = re.compile(r'kubectl_pets_[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? [0-9.]+')


def samples(text: str) -> dict[str, str]:
    """By name and labels; every line is one of OpenMetrics, no sample stands twice, and each comes below its type."""
    found: dict[str, str] = {}
    family = ""
    *lines, last = text.split("\n")
    assert last == "# EOF"
    for line in lines:
        if line.startswith("#"):
            assert line.startswith("# HELP") or line.endswith(" gauge"), "the older format has no other type of ours"
            family = line.split()[2]
            continue
        assert SAMPLE.fullmatch(line), line
        name, _, value = line.rpartition(" ")
        assert name.partition("{")[0] == family and name not in found, line
        found[name] = value
    return found


WEB = 'namespace="default",statefulset="web",group="apps"'


def test_a_set_that_is_stuck() -> None:
    found = samples(metrics.draw([builders.stuck()], NOW))
    assert found[f'kubectl_pets_phase{{{WEB},phase="stuck"}}'] == "1"
    assert found[f'kubectl_pets_phase{{{WEB},phase="complete"}}'] == "0"
    assert found[f'kubectl_pets_blocked_pods{{{WEB},cause="image:pull"}}'] == "1"
    numbers = {name: found[f"kubectl_pets_{name}{{{WEB}}}"] for name in ("replicas", "ready", "updated", "partition", "problem")}
    assert numbers == {"replicas": "3", "ready": "2", "updated": "1", "partition": "2", "problem": "1"}
    assert float(found["kubectl_pets_looked_timestamp_seconds"]) == NOW.timestamp()


@pytest.mark.parametrize("scene", builders.SCENES)
def test_every_scene_is_read_and_one_phase_holds(scene: str) -> None:
    found = samples(metrics.draw([builders.SCENES[scene]()], NOW))
    assert sum(int(value) for name, value in found.items() if name.startswith("kubectl_pets_phase{")) == 1
    assert len([name for name in found if name.startswith("kubectl_pets_phase{")]) == len(Phase)


def test_what_is_not_known_has_no_sample() -> None:
    found = samples(metrics.draw([builders.unreadable()], NOW, not_read=("statefulsets.apps.kruise.io",)))
    assert not [name for name in found if name.startswith(("kubectl_pets_ready", "kubectl_pets_updated", "kubectl_pets_available"))]
    assert found[f"kubectl_pets_problem{{{WEB}}}"] == "1"
    assert found['kubectl_pets_not_read{resource="statefulsets.apps.kruise.io"}'] == "1"


def test_no_set_at_all() -> None:
    assert list(samples(metrics.draw([], NOW))) == ["kubectl_pets_looked_timestamp_seconds"]


def test_text_from_outside_is_escaped() -> None:
    odd = replace(builders.complete(), name='a"b\\c\nd')
    assert 'statefulset="a\\"b\\\\c\\nd"' in metrics.draw([odd], NOW)
    samples(metrics.draw([odd], NOW))
