"""Names are full of hyphens and numbers, and they lie: who explains a claim, and when does nobody?"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubectl_pets.domain.model import Ordinals, StatefulSet, StatefulSetSpec
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind
from kubectl_pets.domain.orphans.origins import explanations, split
from kubectl_pets.domain.orphans.reach import LiveSet
from kubectl_pets.domain.sets.kinds import SetGroup
from kubectl_pets.domain.sets.reserved import reserved_ordinals
from tests.domain.orphans.builders import claim, estate, mounts, one, stateful_set, users, workload

E = EvidenceKind


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("data-web-0", ("data-web", 0)),
        ("data-web-10", ("data-web", 10)),
        ("data-web-1-0", ("data-web-1", 0)),
        ("0-1-2", ("0-1", 2)),
        ("a-b-2147483647", ("a-b", 2147483647)),
        ("a-b-2147483648", None),  # ordinals are int32
        ("data-web-00", None),
        ("data-web-01", None),
        ("data-web", None),
        ("data-web-0a", None),
        ("data-web-", None),
        ("data-0", None),  # no set in it
        ("web0", None),
        ("", None),
        ("data-web-٣", None),  # a digit, but not one that a controller writes
        ("data-web-0\n", None),
    ],
)
def test_a_name_is_split_only_where_a_controller_could_have_made_it(name: str, parts: tuple[str, int] | None) -> None:
    assert split(name) == parts


WORD = st.text(alphabet="ab01-", min_size=1, max_size=6).filter(lambda word: word[0] != "-" and word[-1] != "-")


@given(template=WORD, name=WORD, ordinal=st.integers(0, 2**31 - 1))
def test_the_true_explanation_is_always_among_them(template: str, name: str, ordinal: int) -> None:
    parts = split(f"{template}-{name}-{ordinal}")
    assert parts is not None and parts[1] == ordinal
    found = list(explanations(parts[0]))
    assert (template, name) in found
    assert all(f"{first}-{last}" == parts[0] for first, last in found)


@given(
    start=st.integers(0, 6),
    replicas=st.integers(0, 6),
    holes=st.lists(st.integers(0, 14) | st.tuples(st.integers(0, 10), st.integers(0, 3)), max_size=4),
    ordinal=st.integers(0, 40),
)
@example(start=2, replicas=4, holes=[1, 3], ordinal=6)  # OpenKruise's own example: 2, 4, 5, 6
def test_ranges_are_those_of_a_controller_that_counts(
    start: int, replicas: int, holes: list[int | tuple[int, int]], ordinal: int
) -> None:
    reserve = tuple(hole if isinstance(hole, int) else f"{hole[0]}-{hole[0] + hole[1]}" for hole in holes)
    left_out = {
        number
        for hole in holes
        for number in (range(hole, hole + 1) if isinstance(hole, int) else range(hole[0], hole[0] + hole[1] + 1))
    }
    made: list[int] = []
    at = start
    while len(made) < replicas:
        if at not in left_out:
            made.append(at)
        at += 1
    spec = StatefulSetSpec(replicas=replicas, ordinals=Ordinals(start=start), reserve_ordinals=reserve)
    item = StatefulSet(spec=spec)
    live = LiveSet(item, SetGroup.APPS, reserved_ordinals(item), ())
    assert live.covers(ordinal, replicas) == (ordinal in made)


def test_a_range_of_a_billion_costs_nothing() -> None:
    web = stateful_set("web", 2**31 - 1, reserve=("5-2000000000",))
    assert one(estate(claim("data-web-2000000001"), kruise_sets=(web,))).klass is Class.IN_RANGE
    assert one(estate(claim("data-web-1000000000"), kruise_sets=(web,))).klass is Class.WILL_RETURN


# --- collisions (kubernetes/kubernetes#41153) --------------------------------------------------------------------------------

PETSET = stateful_set("petset", 3, "alpha-beta", labels={"app": "one"})
BETA = stateful_set("beta-petset", 1, "alpha", labels={"app": "two"})


def test_one_of_two_sets_in_whose_range_it_is_is_enough() -> None:
    item = claim("alpha-beta-petset-2", labels={"app": "two"})
    verdict = one(estate(item, sets=(BETA, PETSET)))
    assert verdict.klass is Class.IN_RANGE and verdict.set == "petset" and verdict.template == "alpha-beta"


def test_two_sets_that_both_left_it_behind_make_it_ambiguous() -> None:
    for labels in ({"app": "one"}, {"app": "two"}, {}):
        verdict = one(estate(claim("alpha-beta-petset-7", labels=labels), sets=(BETA, PETSET)))
        assert verdict.klass is Class.AMBIGUOUS and verdict.set == ""


def test_labels_tell_a_set_from_one_that_lost_the_template() -> None:
    other = stateful_set("beta-petset", 1, "logs", labels={"app": "two"})
    assert one(estate(claim("alpha-beta-petset-7", labels={"app": "one"}), sets=(other, PETSET))).klass is Class.SCALED_DOWN
    assert one(estate(claim("alpha-beta-petset-7", labels={"app": "two"}), sets=(other, PETSET))).klass is Class.AMBIGUOUS


def test_two_sets_that_may_have_lost_the_template_make_it_ambiguous() -> None:
    sets = (stateful_set("web", 3), stateful_set("my-web", 3))
    assert one(estate(claim("cache-my-web-0"), sets=sets)).klass is Class.AMBIGUOUS
    apart = (stateful_set("web", 3, labels={"app": "other"}), stateful_set("my-web", 3))
    verdict = one(estate(claim("cache-my-web-0"), sets=apart))
    assert verdict.klass is Class.TEMPLATE_GONE and (verdict.set, verdict.template) == ("my-web", "cache")


def test_sets_of_two_apis_with_one_name_make_it_ambiguous() -> None:
    seen = estate(claim("data-web-7"), sets=(stateful_set("web", 1),), kruise_sets=(stateful_set("web", 2),))
    assert one(seen).klass is Class.AMBIGUOUS


def test_prefixes_mean_nothing() -> None:
    """argoproj/gitops-engine#550: "data-web-1-0" is not of set web, and "data-web-0" is not of set we."""
    web = stateful_set("web", 1)
    assert one(estate(claim("data-web-1-0"), sets=(web, stateful_set("web-1", 1)))).klass is Class.IN_RANGE
    assert one(estate(claim("data-web-1-0"), sets=(web,))).klass is Class.SET_GONE
    assert one(estate(claim("data-web-0"), sets=(stateful_set("we", 1),))).klass is Class.SET_GONE
    assert one(estate(claim("mydata-web-0"), sets=(web,))).set == "web"  # a template that it lost, not "data"


# --- names alone -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", ["helm", "kubectl-create", "kubectl-client-side-apply", "argocd-controller", "velero-server", "manager"])
def test_what_somebody_else_made_is_no_candidate_on_its_name(maker: str) -> None:
    """For a Deployment that is not there just now, say, or laid out for a set to adopt when it grows."""
    family = [claim(f"data-web-{at}", made_by=(maker,)) for at in range(3)]
    for sets in ((), (stateful_set("web", 1),), (stateful_set("web", 1, "logs"),)):
        verdict = one(estate(family[2], sets=sets))
        assert verdict.klass is Class.AMBIGUOUS
        assert E.CREATED_BY_OTHER in {item.kind for item in verdict.evidence}


def test_a_chart_that_applied_a_claim_of_the_controllers_wants_it_too() -> None:
    assert one(estate(claim("data-web-7", made_by=("kube-controller-manager", "helm")))).klass is Class.AMBIGUOUS


def test_without_managed_fields_nobody_knows_who_made_it() -> None:
    verdict = one(estate(claim("data-web-7", made_by=()), sets=(stateful_set("web", 1),)))
    assert verdict.klass is Class.AMBIGUOUS
    assert E.CREATOR_UNKNOWN in {item.kind for item in verdict.evidence}


@pytest.mark.parametrize("maker", ["kube-controller-manager", "k3s", "kubelite", "kruise-manager"])
def test_controllers_go_by_several_names(maker: str) -> None:
    assert one(estate(claim("data-web-7", made_by=(maker,)))).klass is Class.SET_GONE


def test_a_claim_for_a_deployment_at_0_is_used_by_its_template() -> None:
    item = claim("data-web-0", made_by=("helm",), labels={"app.kubernetes.io/managed-by": "Helm"})
    seen = estate(item, users=users(deployments=(workload("web", *mounts("data-web-0")),)))
    assert one(seen).klass is Class.USED_BY_TEMPLATE


def test_labels_that_contradict_the_set_leave_a_doubt() -> None:
    other = claim("data-web-7", labels={"app": "other"})
    assert one(estate(other, sets=(stateful_set("web", 1),))).klass is Class.AMBIGUOUS
    unlabelled = stateful_set("web", 1, labels={})  # a selector of expressions only
    assert one(estate(claim("data-web-7"), sets=(unlabelled,))).klass is Class.AMBIGUOUS
    assert one(estate(claim("cache-web-0"), sets=(unlabelled,))).klass is Class.AMBIGUOUS
    assert one(estate(claim("data-web-7", labels={}))).klass is Class.AMBIGUOUS


def test_a_name_that_no_controller_makes_is_nobodys() -> None:
    for name in ("uploads", "data-web-01", "data-web", "data-0"):
        assert one(estate(claim(name), sets=(stateful_set("web", 1),))).klass is Class.AMBIGUOUS
