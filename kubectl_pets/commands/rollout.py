"""``kubectl pets rollout``: the verbs that carry a rollout."""

import click

from kubectl_pets.cli.groups import LazyGroup, Verb
from kubectl_pets.cli.options import connection, exit_codes
from kubectl_pets.errors import ExitCode

_STEPS = "kubectl_pets.commands.rollout_steps"

VERBS = {
    "status": Verb("kubectl_pets.commands.status:rollout_status", "Wait until it is done, as kubectl's does, or stuck."),
    "history": Verb("kubectl_pets.commands.history:history", "The revisions, what changed in each, and which pods run it."),
    "diff": Verb("kubectl_pets.commands.history:diff", "What differs between two revisions, or one and the template."),
    "report": Verb("kubectl_pets.commands.report:command", "What happened: each pod's times, the slowest, who wrote what."),
    "run": Verb("kubectl_pets.commands.rollout_run:run", "The whole rollout in one command: canary, steps, to the end."),
    "canary": Verb(f"{_STEPS}:canary", "Stage a change and release it to the highest ordinals only."),
    "step": Verb(f"{_STEPS}:step", "Release the next pods and wait for them."),
    "promote": Verb(f"{_STEPS}:promote", "Release every pod and wait for the end."),
    "pause": Verb(f"{_STEPS}:pause", "Hold the rollout where it stands."),
    "resume": Verb(f"{_STEPS}:resume", "Undo a pause."),
    "abort": Verb(f"{_STEPS}:abort", "Bring every pod back to the current revision."),
    "undo": Verb("kubectl_pets.commands.undo:undo", "Restore an earlier template and free what stays stuck."),
    "unstick": Verb("kubectl_pets.commands.undo:unstick", "Delete just the pods that hold the controller up."),
    "handover": Verb("kubectl_pets.commands.handover:command", "Give the fields that it wrote back to whoever deploys the set."),
    "restart": Verb("kubectl_pets.commands.restart:command", "Make every pod anew, or chosen ones in a chosen order."),
}


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    name="rollout",
    epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED),
)
@connection
def command() -> None:
    """Carry a StatefulSet's rollout, in order, with the truth about where it stands.

    \b
    Examples:
      kubectl pets rollout run web --image nginx:1.27 --canary 1
      kubectl pets rollout canary web --image nginx:1.27
      kubectl pets rollout step web --pods 2
      kubectl pets rollout promote web
      kubectl pets rollout abort web
    """
