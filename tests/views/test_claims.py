"""``kubectl pets orphans`` and ``orphans explain``, whole screens."""

import subprocess
import sys

import pytest

from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class
from kubectl_pets.views.orphans import table as claims
from kubectl_pets.views.text.ink import bare
from tests.domain.orphans.builders import NOW, claim, estate, one
from tests.views import claim_scenes as scenes
from tests.views.claim_scenes import SCENES, left_behind
from tests.views.screens import screen

ALL = [scene() for scene in SCENES.values()]
CANDIDATES = [verdict for verdict in ALL if verdict.candidate]


def test_the_scenes_show_every_class() -> None:
    assert {verdict.klass for verdict in ALL} == set(Class)


# --- the table ---------------------------------------------------------------------------------------------------------------


def test_candidates() -> None:
    assert claims.table(CANDIDATES, NOW) == screen(
        """
        NAME            CLASS           SIZE    SET   ORDINAL   VOLUME      RECLAIM                       UNUSED   REASON
        data-old-db-0   set-gone        10Gi    -     0         pv-old      Delete: data destroyed        ?        there is no StatefulSet old-db with a template data, nor db with data-old
        data-web-10     scaled-down     1.5Gi   web   10        pv-10       Delete: data destroyed        12d      beyond the range of StatefulSet/web, 2 replicas from ordinal 0
        data-web-11     scaled-down     ?       web   11        -           no data                       ?        beyond the range of StatefulSet/web, 2 replicas from ordinal 0
        data-web-12     scaled-down     10Gi    web   12        pv-12       Archive: unknown              ?        beyond the range of StatefulSet/web, 2 replicas from ordinal 0
        data-web-13     scaled-down     10Gi    web   13        pv-13       Terminating: data destroyed   ?        its volume pv-13 is being deleted and goes with it; beyond the range of Statefu…
        logs-web-1      template-gone   10Gi    web   1         pv-logs-1   Retain: data kept             5h       StatefulSet/web has no template logs any more
        """
    )


def test_every_other_class() -> None:
    assert claims.table((verdict for verdict in ALL if not verdict.candidate), NOW) == screen(
        """
        NAME             CLASS                   SIZE   SET   ORDINAL   VOLUME   RECLAIM                  UNUSED   REASON
        data-web-0       in-use                  10Gi   web   0         pv-0     Delete: data destroyed   -        Pod/web-0 mounts it (Running)
        data-web-1       in-range                10Gi   web   1         pv-1     Delete: data destroyed   ?        in the range of StatefulSet/web, 2 replicas from ordinal 0
        data-web-2       will-return             10Gi   web   2         pv-2     Delete: data destroyed   ?        StatefulSet/web has 0 replicas and wants it back when it is scaled up
        data-web-3       used-by-template        10Gi   web   3         pv-3     Delete: data destroyed   ?        CronJob/backup names it in its template
        data-web-4       owned                   10Gi   web   4         pv-4     Delete: data destroyed   ?        Kafka/broker owns it (example.org/v1)
        data-web-5       terminating             10Gi   web   5         pv-5     Delete: data destroyed   ?        it is being deleted
        data-web-6       kept                    10Gi   web   6         pv-6     Delete: data destroyed   ?        somebody keeps it: ann: until the audit
        data-web-7       lost                    10Gi   web   7         pv-7     unknown                  ?        its phase is Lost (and 1 more)
        data-web-8       ambiguous               10Gi   -     8         pv-8     Delete: data destroyed   ?        made or changed by helm, which is no StatefulSet controller
        data-web-9       unsure (scaled-down?)   10Gi   web   9         pv-9     Delete: data destroyed   ?        not read: jobs, cronjobs
        data-web-web-5   ambiguous               10Gi   -     5         pv-5     Delete: data destroyed   ?        may be of StatefulSet/web or of StatefulSet/web-web
        """
    )


def test_wide_and_in_all_namespaces() -> None:
    assert claims.table([scenes.template_gone(), scenes.no_data()], NOW, wide=True, all_namespaces=True) == screen(
        """
        NAMESPACE   NAME          CLASS           SIZE   SET   ORDINAL   VOLUME      RECLAIM             UNUSED   REASON                                                           TEMPLATE   STORAGECLASS   AGE   PHASE
        prod        data-web-11   scaled-down     ?      web   11        -           no data             ?        beyond the range of StatefulSet/web, 2 replicas from ordinal 0   data       -              90d   Pending
        prod        logs-web-1    template-gone   10Gi   web   1         pv-logs-1   Retain: data kept   5h       StatefulSet/web has no template logs any more                    logs       slow           90d   Bound
        """
    )


def test_ordinals_are_ordered_as_numbers() -> None:
    text = claims.table(left_behind(10, 9, 2), NOW, headers=False)
    assert [line.split()[0] for line in text.splitlines()] == ["data-web-2", "data-web-9", "data-web-10"]


def test_no_claims_no_text() -> None:
    assert claims.table([], NOW) == ""


def test_colour_is_only_added_and_loud_is_what_would_cost_data() -> None:
    coloured = claims.table(ALL, NOW, colour=True)
    assert bare(coloured) == claims.table(ALL, NOW)
    loud = [line.split()[0] for line in coloured.splitlines() if "\x1b[1;33mDelete: data destroyed\x1b[0m" in line]
    assert loud == ["data-old-db-0", "data-web-9", "data-web-10"]


def test_the_table_loads_no_library() -> None:
    program = (
        "import sys\n"
        "from kubectl_pets.views.orphans import documents, plan, table as claims\n"
        "from tests.views.claim_scenes import NOW, scaled_down\n"
        "claims.table([scaled_down()], NOW)\n"
        "print(*(name for name in ('rich', 'tabulate', 'yaml', 'kubernetes') if name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not ran.stdout.strip()


# --- the total ---------------------------------------------------------------------------------------------------------------


def test_total_of_candidates() -> None:
    seen = [scenes.scaled_down(), scenes.template_gone(), scenes.set_gone()]
    assert claims.total(seen) == "3 claims, 21.5Gi; deleting them as kubectl does would destroy 2 volumes with 11.5Gi"


def test_total_of_all_classes_and_what_could_not_be_read() -> None:
    assert claims.total(iter(ALL), unread=("cronjobs", "persistentvolumes", "pods")) == screen(
        """
        17 claims, at least 151.5Gi; 6 candidates, at least 41.5Gi; 1 unsure; deleting the candidates as kubectl does would destroy 3 volumes with 21.5Gi, and of 1 claim it cannot be said
        not read: cronjobs, persistentvolumes, pods
        """
    )


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ([], "no candidates"),
        ([scenes.in_use()], "1 claim, 10Gi; no candidates"),
        ([scenes.template_gone()], "1 claim, 10Gi; deleting them as kubectl does would destroy no data"),
        (left_behind(3, size="lots"), "1 claim, unknown size; deleting them as kubectl does would destroy 1 volume with unknown size"),
    ],
)
def test_small_totals(seen: list[ClaimVerdict], text: str) -> None:
    assert claims.total(seen) == text


# --- one claim ---------------------------------------------------------------------------------------------------------------


def test_explain_a_candidate() -> None:
    assert claims.explain(scenes.scaled_down(), NOW) == screen(
        """
        prod/data-web-10  scaled-down
        │  1.5Gi, set web, template data, ordinal 10, storage class fast, Bound, age 90d
        │  unused for 12d or longer (since 2026-02-17 12:00:00 UTC)
        ├─ Against deletion
        │  └─ nothing
        ├─ For deletion
        │  ├─ no pod mounts it
        │  ├─ the server says that no pod uses it (condition Unused is True)
        │  ├─ beyond the range of StatefulSet/web, 2 replicas from ordinal 0
        │  ├─ no workload names it in its template
        │  ├─ its volume pv-10 is bound to it
        │  ├─ made by a StatefulSet controller (kube-controller-manager)
        │  └─ it carries the labels that StatefulSet/web puts on its claims
        └─ What deletion does
           ├─ deleting it as kubectl does destroys volume pv-10 with 1.5Gi: its reclaim policy is Delete
           ├─ the command below sets the volume to Retain first, so the data survives
           ├─ delete it with: kubectl pets orphans delete data-web-10 -n prod
           └─ keep it with: kubectl pets orphans keep data-web-10 -n prod --why TEXT
        """
    )


def test_explain_what_is_unsure() -> None:
    assert claims.explain(scenes.unsure(), NOW) == screen(
        """
        prod/data-web-9  unsure (scaled-down?)
        │  10Gi, set web, template data, ordinal 9, storage class fast, Bound, age 90d
        ├─ Against deletion
        │  ├─ jobs could not be read
        │  └─ cronjobs could not be read
        ├─ For deletion
        │  ├─ no pod mounts it
        │  ├─ beyond the range of StatefulSet/web, 2 replicas from ordinal 0
        │  ├─ its volume pv-9 is bound to it
        │  ├─ made by a StatefulSet controller (kube-controller-manager)
        │  └─ it carries the labels that StatefulSet/web puts on its claims
        └─ What deletion does
           ├─ deleting it as kubectl does destroys volume pv-9 with 10Gi: its reclaim policy is Delete
           ├─ nothing is deleted unless all that may want it can be read
           ├─ check with: kubectl auth can-i list jobs -n prod
           └─ check with: kubectl auth can-i list cronjobs -n prod
        """
    )


def test_explain_what_two_sets_may_have_made() -> None:
    assert claims.explain(scenes.colliding(), NOW) == screen(
        """
        prod/data-web-web-5  ambiguous
        │  10Gi, ordinal 5, storage class fast, Bound, age 90d
        ├─ Against deletion
        │  ├─ may be of StatefulSet/web, and not only of that
        │  └─ may be of StatefulSet/web-web, and not only of that
        ├─ For deletion
        │  ├─ no pod mounts it
        │  ├─ beyond the range of StatefulSet/web, 1 replica from ordinal 0
        │  ├─ beyond the range of StatefulSet/web-web, 1 replica from ordinal 0
        │  ├─ no workload names it in its template
        │  ├─ its volume pv-5 is bound to it
        │  ├─ made by a StatefulSet controller (kube-controller-manager)
        │  ├─ it carries the labels that StatefulSet/web puts on its claims
        │  └─ it carries the labels that StatefulSet/web-web puts on its claims
        └─ What deletion does
           ├─ deleting it as kubectl does destroys volume pv-5 with 10Gi: its reclaim policy is Delete
           ├─ see more with: kubectl describe pvc data-web-web-5 -n prod
           └─ keep it with: kubectl pets orphans keep data-web-web-5 -n prod --why TEXT
        """
    )


@pytest.mark.parametrize(
    ("scene", "ending"),
    [
        (
            "in_use",
            """
               ├─ deleting it as kubectl does destroys volume pv-0 with 10Gi: its reclaim policy is Delete
               └─ it is not deleted here, because it is wanted
            """,
        ),
        (
            "kept",
            """
               ├─ deleting it as kubectl does destroys volume pv-6 with 10Gi: its reclaim policy is Delete
               └─ have it judged again with: kubectl pets orphans unkeep data-web-6 -n prod
            """,
        ),
        (
            "lost",
            """
               ├─ what becomes of the data cannot be said: nothing is known of volume pv-7
               └─ see more with: kubectl describe pvc data-web-7 -n prod
            """,
        ),
        (
            "template_gone",
            """
               ├─ volume pv-logs-1 stays with its data: its reclaim policy is Retain
               ├─ delete it with: kubectl pets orphans delete logs-web-1 -n prod
               └─ keep it with: kubectl pets orphans keep logs-web-1 -n prod --why TEXT
            """,
        ),
        (
            "no_data",
            """
               ├─ no data is lost: it never had a volume
               ├─ delete it with: kubectl pets orphans delete data-web-11 -n prod
               └─ keep it with: kubectl pets orphans keep data-web-11 -n prod --why TEXT
            """,
        ),
        (
            "terminating",
            """
               ├─ it is being deleted already, and gone once nothing holds it
               ├─ volume pv-5 is destroyed with it
               ├─ before that, this keeps the data:
               ├─ kubectl patch pv pv-5 -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
               └─ see more with: kubectl describe pvc data-web-5 -n prod
            """,
        ),
        (
            "volume_going",
            """
               ├─ volume pv-13 is being deleted: whatever its reclaim policy (Delete), it goes with the claim
               ├─ 'orphans delete' refuses it, because the data would not be kept
               ├─ see more with: kubectl describe pv pv-13
               └─ keep it with: kubectl pets orphans keep data-web-13 -n prod --why TEXT
            """,
        ),
        (
            "unknown_policy",
            """
               ├─ what becomes of the data cannot be said: volume pv-12 has the reclaim policy Archive
               ├─ see more with: kubectl describe pvc data-web-12 -n prod
               └─ keep it with: kubectl pets orphans keep data-web-12 -n prod --why TEXT
            """,
        ),
    ],
)
def test_what_deletion_does_and_what_to_type_next(scene: str, ending: str) -> None:
    told = claims.explain(SCENES[scene](), NOW).partition("└─ What deletion does\n")[2]
    assert screen(told) == screen(ending)


def test_volumes_are_of_no_namespace() -> None:
    verdict = one(estate(claim("data-web-9"), sets=(scenes.WEB,), volumes={}))
    assert claims.explain(verdict, NOW).endswith("check with: kubectl auth can-i list persistentvolumes")


def test_explain_goes_on_below_itself_in_a_narrow_terminal() -> None:
    """Nothing of the evidence is left out; a command has one line, however wide."""
    verdict = scenes.scaled_down()
    told, whole = claims.explain(verdict, NOW, width=60), claims.explain(verdict, NOW)
    assert all(len(line) <= 60 or "kubectl pets " in line for line in told.splitlines())
    commands = [line[line.index("kubectl pets "):] for line in whole.splitlines() if "kubectl pets " in line]
    assert commands == [line[line.index("kubectl pets "):] for line in told.splitlines() if "kubectl pets " in line]
    assert " ".join(told.replace("│", " ").split()).partition("Against")[2] == " ".join(whole.replace("│", " ").split()).partition("Against")[2]


@pytest.mark.parametrize("scene", SCENES)
def test_colour_of_an_explanation_is_only_added(scene: str) -> None:
    verdict = SCENES[scene]()
    assert bare(claims.explain(verdict, NOW, colour=True)) == claims.explain(verdict, NOW)


def test_loud_is_what_kubectl_would_destroy() -> None:
    assert "\x1b[1;33mdeleting it as kubectl does destroys volume pv-10" in claims.explain(scenes.scaled_down(), NOW, colour=True)
    assert "\x1b[1;33m" not in claims.explain(scenes.in_use(), NOW, colour=True)
