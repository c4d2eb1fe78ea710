"""Several sets as one rollout, on the real control plane."""

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW, BROKEN = "app:1", "app:2", "app:broken"


def zones(pets: Plugin, *names: str) -> None:
    for zone, name in zip("cab", names):
        pets.make(name, replicas=2)
        pets.kubectl("label", "statefulset", name, "tier=db", f"zone={zone}")


def order(pets: Plugin) -> list[str]:
    """The sets that this program patched, each once, in the order of their first patch."""
    patched = [
        event["objectRef"]["name"]
        for event in pets.plane.requests("kubectl-pets/")
        if event.get("objectRef", {}).get("namespace") == pets.namespace
        and event["verb"] == "patch"
        and event["objectRef"]["resource"] == "statefulsets"
    ]
    return list(dict.fromkeys(patched))


def test_one_set_after_the_other_in_the_order_of_zones(pets: Plugin) -> None:
    zones(pets, "q", "r", "s")
    words = ("rollout", "run", "--group", "tier=db", "--by", "zone", "--image", NEW)
    plan = pets(*words, "--dry-run").stdout
    assert plan.index("/r:") < plan.index("/s:") < plan.index("/q:") and order(pets) == []
    shown = pets(*words, "--timeout", "120s")
    assert order(pets) == ["r", "s", "q"] and "[3/3] q" in shown.stderr
    for name in "qrs":
        assert set(pets.images(name).values()) == {NEW}
    assert "nothing to do" in pets(*words).stderr


def test_it_stops_at_the_first_problem_and_goes_on_when_typed_again(pets: Plugin) -> None:
    zones(pets, "q", "r", "s")
    stopped = pets("rollout", "run", "--group", "tier=db", "--image", BROKEN, "--timeout", "60s", expect=4)
    assert "stopped at q; not begun: r, s" in stopped.stderr and order(pets) == ["q"]
    assert set(pets.images("r").values()) == set(pets.images("s").values()) == {OLD}
    other = pets("rollout", "run", "r", "--image", NEW, "--dry-run")
    assert other.code == 0  # by itself nothing holds it back ...
    refused = pets("rollout", "run", "--group", "tier=db", "--by", "zone", "--image", NEW, expect=6)
    assert "/q" in refused.stderr and order(pets) == ["q"]  # ... in its group the broken one does
    pets("rollout", "undo", "q", "-y", "--timeout", "60s")
    pets("partition", "q", "0")
    pets("rollout", "run", "--group", "tier=db", "--by", "zone", "--image", NEW, "--timeout", "120s")
    for name in "qrs":
        assert set(pets.images(name).values()) == {NEW}


def test_what_is_refused_of_a_later_set_is_no_refusal_of_all(pets: Plugin) -> None:
    """Exit code 6 says that nothing was changed, and the first set is rolled out by then. Typed again nothing is."""
    zones(pets, "q", "r")
    for name in ("one", "other"):
        pets.kubectl("create", "pdb", name, "--selector=app=r", "--max-unavailable=1")
    words = ("rollout", "run", "--group", "tier=db", "--image", NEW, "--timeout", "60s")
    pets(*words, "--dry-run", expect=6)
    stopped = pets(*words, expect=4)
    assert "one, other" in stopped.stderr and "stopped at r" in stopped.stderr
    assert (set(pets.images("q").values()), set(pets.images("r").values())) == ({NEW}, {OLD})
    pets(*words, expect=6)


def test_another_set_that_goes_down_meanwhile_is_waited_for(pets: Plugin) -> None:
    zones(pets, "q", "r")
    down = f"kubectl --kubeconfig {pets.plane.kubeconfig} -n {pets.namespace} label pod r-0 kubectl-pets.test/unready=true"
    words = ("rollout", "run", "--group", "tier=db", "--image", NEW, "--timeout", "5s")
    late = pets(*words, "--gate-cmd", f"test $KUBECTL_PETS_POD != q-1 || {down} --overwrite", expect=5)
    assert "r" in late.stderr and pets.images("q") == {"q-0": OLD, "q-1": NEW} and set(pets.images("r").values()) == {OLD}


def test_bad_words(pets: Plugin) -> None:
    zones(pets, "q")
    assert "exclude each other" in pets("rollout", "run", "q", "--group", "tier=db", expect=2).stderr
    assert "NAME" in pets("rollout", "run", expect=2).stderr
    assert "--group" in pets("rollout", "run", "q", "--by", "zone", expect=2).stderr
    assert "tier=web" in pets("rollout", "run", "--group", "tier=web", "--image", NEW, expect=1).stderr
    assert "no label place" in pets("rollout", "run", "--group", "tier=db", "--by", "place", "--image", NEW, expect=2).stderr
    assert set(pets.images("q").values()) == {OLD}
