"""``kubectl pets list``, whole screens."""


from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.views.rollout import table as sets
from kubectl_pets.views.text.ink import bare
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot
from tests.views.screens import screen


def test_every_phase() -> None:
    seen = [
        builders.complete(),
        builders.left_over(),
        builders.staged(),
        builders.paused(),
        builders.stuck(),
        builders.rolling(),
        builders.scaling(),
        builders.on_delete(),
        builders.unreadable(),
        builders.empty(),
    ]
    assert sets.table(seen, NOW) == screen(
        """
        NAME   PHASE                READY   UPDATED   PARTITION        REVISIONS   CLAIMS   AGE   REASON
        web    complete             3/3     3/3       -                1           3        40d   -
        web    complete             3/3     3/3       2 (left over!)   1           3        40d   partition 2 holds back the next change
        web    paused               3/3     0/3       3                2           3        40d   staged, nothing released
        web    paused               3/3     1/3       2                2           3        40d   paused at partition 2
        web    stuck                2/3     1/3       2                2           3        40d   web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"
        web    progressing          2/3     1/3       -                2           3        40d   waiting for web-1 to terminate
        web    scaling              2/3     2/3       -                1           ?        40d   waiting for web-7 to be created
        web    waiting-for-delete   3/3     1/3       -                2           3        40d   outdated: web-1, web-0
        web    unknown              ?/3     ?/3       -                2           ?        40d   its pods could not be read, so nothing can be said of them
        web    complete             0/0     0/0       -                1           0        40d   -
        """
    )


def test_wide() -> None:
    assert sets.table([builders.paused()], NOW, wide=True) == screen(
        """
        NAME   PHASE    READY   UPDATED   PARTITION   REVISIONS   CLAIMS   AGE   REASON                  STRATEGY        POLICY         CURRENT     UPDATE      IMAGES
        web    paused   3/3     1/3       2           2           3        40d   paused at partition 2   RollingUpdate   OrderedReady   77f9c6d8b   5d8f7b9c4   nginx:1.27
        """
    )


def test_wide_lists_the_images_of_all_containers() -> None:
    seen = assess(snapshot([pod(ordinal, NEW) for ordinal in range(3)], current=NEW, sidecar="envoy:1.31"), NOW)
    assert sets.table([seen], NOW, wide=True, headers=False).endswith("   nginx:1.27,envoy:1.31")


def test_all_namespaces_are_sorted_and_come_first() -> None:
    seen = [
        assess(snapshot([], replicas=0, current=NEW, name=name, namespace=namespace), NOW)
        for name, namespace in (("web", "prod"), ("db", "prod"), ("web", "dev"))
    ]
    assert sets.table(seen, NOW, all_namespaces=True) == screen(
        """
        NAMESPACE   NAME   PHASE      READY   UPDATED   PARTITION   REVISIONS   CLAIMS   AGE   REASON
        dev         web    complete   0/0     0/0       -           1           0        40d   -
        prod        db     complete   0/0     0/0       -           1           0        40d   -
        prod        web    complete   0/0     0/0       -           1           0        40d   -
        """
    )


def test_without_heads() -> None:
    assert sets.table([builders.complete()], NOW, headers=False) == "web   complete   3/3   3/3   -   1   3   40d   -"


def test_no_sets_no_text() -> None:
    assert sets.table([], NOW) == ""


def test_colour_is_only_added() -> None:
    seen = [builders.stuck(), builders.left_over()]
    coloured = sets.table(seen, NOW, colour=True)
    assert bare(coloured) == sets.table(seen, NOW)
    assert "\x1b[31mstuck\x1b[0m" in coloured
    assert "\x1b[1;33m2 (left over!)\x1b[0m" in coloured


def test_numbers_stay_as_they_are() -> None:
    """tabulate would read 1e5 as a number, and 007 as 7."""
    seen = assess(snapshot([], replicas=0, current=NEW, name="007", namespace="1e5"), NOW)
    assert sets.table([seen], NOW, all_namespaces=True, headers=False).startswith("1e5   007   complete")
