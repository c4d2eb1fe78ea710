"""Random looks at a set in trouble: containers with a past, pods made anew, events of before and of now, silent nodes.

``builders.snapshots`` makes whatever may be decoded; what is made here has times that were written by a kubelet, a controller and
a node's end of a pod, so that everything which rests on them is come by.
"""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    Event,
    ManagedFieldsEntry,
    NodeReadiness,
    ObjectReference,
    Pod,
    PodStatus,
    Running,
    SetView,
    Terminated,
    Waiting,
)
from kubectl_pets.domain.rollout.containers import FAILING_REASONS, HOPELESS_REASONS
from tests.domain.builders import NOW, UID, OddThings

_SECOND = timedelta(seconds=1)

#: Right before, at and after whatever the rules go by.
_AGES = (0, 1, 2, 5, 9, 11, 19, 29, 31, 59, 61, 89, 91, 119, 121, 300, 599, 601, 3000, 90000)
_LIVES = (0, 1, 5, 9, 30, 100, 599, 601, 90000)
_WAITING = (*sorted(FAILING_REASONS | HOPELESS_REASONS), "ContainerCreating", "PodInitializing", "")


def views() -> st.SearchStrategy[SetView]:
    """By seed, because that is fast."""
    return st.integers(0, 2**64).map(lambda seed: Troubled(Random(seed)).snapshot())


class Troubled(OddThings):
    """One such look."""

    def ago(self) -> timedelta:
        return self.pick(_AGES) * _SECOND

    def end(self, ago: timedelta) -> Terminated:
        begun = datetime(1970, 1, 1, tzinfo=UTC) if self.chance(0.05) else NOW - ago - self.pick(_LIVES) * _SECOND
        return Terminated(
            exit_code=self.pick((0, 1, 137, 255)),
            reason=self.pick(("Error", "Completed", "OOMKilled", "ContainerStatusUnknown", "")),
            message=self.pick(("", "", "exec format error")),
            started_at=None if self.chance(0.05) else begun,
            finished_at=None if self.chance(0.05) else NOW - ago,
        )

    def of(self, name: str) -> ContainerStatus:
        ago, restarts = self.ago(), self.pick((0, 0, 0, 1, 1, 2, 3, 7, 100))
        last = ContainerState()
        if restarts and self.chance(0.9):
            last = ContainerState(terminated=self.end(ago + self.pick((0, 1, 10, 40, 300)) * _SECOND))
        state = self.pick(
            (
                *(ContainerState(running=Running(started_at=NOW - ago)),) * 6,
                *(ContainerState(terminated=self.end(ago)),) * 2,
                ContainerState(waiting=Waiting(reason=self.pick(_WAITING))),
                ContainerState(running=Running()),
            )
        )
        return ContainerStatus(name=name, ready=state.running is not None, restart_count=restarts, state=state, last_state=last)

    def status(self) -> PodStatus:
        if self.chance(0.3):
            return super().status()
        phase = self.pick(("Running",) * 8 + ("Pending", "Pending", "Failed", "Succeeded"))
        up = phase == "Running" and self.chance(0.7)
        conditions = [Condition(type="Ready", status="True" if up else "False", last_transition_time=NOW - self.ago())]
        for kind in ("PodScheduled", "PodReadyToStartContainers", "Initialized"):
            if self.chance(0.6):
                status = "True" if self.chance(0.8) else "False"
                conditions.append(Condition(type=kind, status=status, last_transition_time=NOW - self.ago()))
        return PodStatus(
            phase=phase,
            reason=self.pick(("", "", "Evicted", "NodeLost")),
            start_time=NOW - self.ago() if self.chance(0.7) else None,
            conditions=tuple(conditions),
            container_statuses=tuple(map(self.of, ("app",) if self.chance(0.7) else ("app", "log"))),
            init_container_statuses=() if self.chance(0.6) else tuple(map(self.of, ("init", "side"))),
        )

    def pod(self, ordinal: int) -> Pod:
        made = super().pod(ordinal)
        inits = (Container(name="init"), Container(name="side", restart_policy="Always"))
        meta = replace(made.metadata, creation_timestamp=NOW - self.ago()) if self.chance(0.5) else made.metadata
        if meta.deletion_timestamp is not None:
            due = NOW + self.pick((-100, -31, -30, -29, -1, 0, 1, 30, 600)) * _SECOND
            meta = replace(meta, deletion_timestamp=due, finalizers=self.pick(((), ("example.com/held",))))
        if self.chance(0.1):
            meta = replace(meta, labels={**meta.labels, "statefulset.kubernetes.io/pod-name": self.pick((made.name, "other"))})
        node = self.pick(("", "node-1", "node-1", "node-2"))
        return replace(made, metadata=meta, spec=replace(made.spec, init_containers=inits, node_name=node))

    def event(self) -> Event:
        name, ago = f"web-{self.random.randint(0, 4)}", self.ago()
        first, last = NOW - ago - self.ago(), NOW - ago
        bare = Event(first_timestamp=first, last_timestamp=last) if self.chance(0.9) else Event(event_time=last)
        if self.chance(0.5):
            verb, done = self.pick(("Create", "Update", "Delete")), self.chance(0.4)
            what = f"{verb.lower()} {self.pick(('', f'Claim data-{name} '))}Pod {name} in StatefulSet web"
            return replace(
                bare,
                type="Normal" if done else "Warning",
                reason=f"{'Successful' if done else 'Failed'}{verb}",
                message=f"{what} {'successful' if done else 'failed error: denied'}",
                count=self.pick((0, 1, 3, 5, 12)),
                involved_object=ObjectReference(kind="StatefulSet", name="web", uid=self.pick((UID, UID, UID, "", "other"))),
            )
        reasons = ("Evicted", "Evicted", "FailedMount", "Started", "Scheduled", "Pulling", "Killing", "OutOfcpu")
        return replace(
            bare,
            type=self.pick(("Warning", "Warning", "Normal")),
            reason=self.pick(reasons),
            message=self.pick(("one", "another")),
            count=self.pick((0, 1, 3)),
            involved_object=ObjectReference(kind="Pod", name=name, uid=self.pick((f"pod-{name}", "first", "second", "third", ""))),
        )

    def around(self) -> Around:
        nodes = tuple(
            NodeReadiness(name=name, ready=self.pick(("True", "False", "Unknown", "")), since=NOW - self.ago())
            for name in ("node-1", "node-2")
        )
        return Around(
            events=None if self.chance(0.05) else self.several(self.event, 6),
            namesakes=None if self.chance(0.05) else self.several(lambda: self.pod(self.random.randint(0, 3)), 1),
            nodes=None if self.chance(0.05) else nodes,
            missing_since={f"web-{ordinal}": NOW - self.ago() for ordinal in range(4) if self.chance(0.2)},
        )

    def snapshot(self) -> SetView:
        view = super().snapshot()
        owner = view.set
        assert owner is not None
        if self.chance(0.3):
            entries = tuple(ManagedFieldsEntry(manager="kubectl", time=NOW - self.ago()) for _ in range(2))
            owner = replace(owner, metadata=replace(owner.metadata, managed_fields=entries))
        return replace(view, set=owner, around=self.around() if self.chance(0.7) else None)
