"""A set whose claims are made anew from VolumeSnapshots, while it has no pods or one pod after the other
(``domain.snapshots.restoring``, ``turns``): what says so on the set, and on each claim that was made."""

import msgspec

from kubectl_pets.domain.model import Value

#: On a set, from before the first of its claims goes until the last one is made anew. On a claim that was made: the same text.
RESTORING_ANNOTATION = "kubectl-pets/restoring"

#: On a set: the last one that came to its end.
RESTORED_ANNOTATION = "kubectl-pets/restored"


class Restoration(Value, frozen=True):
    """Which data is brought back. The same for whoever types the command, so that anybody goes on with it."""

    #: Of the set.
    uid: str
    #: The ControllerRevision that the snapshots were taken of.
    revision: str
    #: The run of a rollout that took them.
    snapshots: str
    #: Of the set's spec when it began.
    generation: int
    #: One pod after the other, while the others run.
    running: bool = False
    #: Then what the set's partition was before.
    partition: int = 0
    #: And the generation of its spec at the end.
    until: int = 0

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    def lasts(self, uid: str, generation: int) -> bool:
        """Whether to go on with it: of a set that runs, as long as it is this one, and once it is through, as it was left; of one
        at 0, as long as no pod can have been there since: to scale a set up and down again takes two changes of its spec."""
        if self.uid != uid:
            return False
        if self.running:
            return self.until in (0, generation)
        return 0 <= generation - self.generation <= 1


def restoration(text: str) -> Restoration | None:
    """What an annotation says; None: there is none, or somebody else wrote it."""
    try:
        return msgspec.json.decode(text, type=Restoration) if text else None
    except msgspec.MsgspecError:
        return None
