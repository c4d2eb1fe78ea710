"""``kubectl pets resize``: another size for the volumes of a set, with what it takes told before."""

import click
from msgspec.structs import replace

from kubectl_pets.cli.options import Number, SetName, connection, exit_codes, pass_session, yes_to
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.resize.plan import parse_request
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.resize.carry import resize
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.terms import terms_options
from kubectl_pets.session import Session


@click.command("resize", epilog=exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("name", type=SetName())
@click.argument("wanted", metavar="[TEMPLATE=]SIZE")
@click.option("--attributes-class", default="", metavar="NAME", help="This VolumeAttributesClass as well, in one change.")
@click.option("--operator-paused", is_flag=True, help="Its operator was told to leave the set and its claims alone.")
@click.option("--pod", "pods", type=Number(0), multiple=True, metavar="ORDINAL", help="Only its claim; may be repeated.")
@click.option("--canary", type=Number(min=1), metavar="N", help="Only so many claims, the highest ordinals.")
@click.option("--restart", is_flag=True, help="Start a pod again where its node waits for that.")
@click.option("--keep-template", is_flag=True, help="Only the claims: new ordinals get the size of before.")
@click.option("--hand-over", is_flag=True, help="Delete the set alone at last, and wait until whoever deploys it creates it.")
@click.option("--plan", is_flag=True, help="Print what it takes and change nothing; the same as --dry-run.")
@run_options(
    yes=yes_to("volumes grow, which cannot be taken back, and the set is made again"),
    writer=False,
)
@terms_options
@connection
@pass_session
def command(
    session: Session,
    name: str,
    wanted: str,
    attributes_class: str,
    operator_paused: bool,
    pods: tuple[int, ...],
    canary: int | None,
    restart: bool,
    keep_template: bool,
    hand_over: bool,
    plan: bool,
    options: RunOptions,
    terms: Terms,
) -> ExitCode:
    """Give the volumes of a set another size: claim after claim, each whole before the next, and at last the claim template.

    Says before what it takes, claim by claim, and what speaks against it; the API server judges each change without keeping it
    (dry run). Stops at a claim that stands still, says which of three stalls it is (the storage is at it, a pod has to be started
    again, what was asked for cannot be had) and leaves the others alone. Killed and typed again, it goes on, whoever types it.

    The template, which the API calls immutable, follows when all claims are done: the set is deleted alone and created again
    within seconds (see recreate). No pod is started again for it.

    \b
    Examples:
      kubectl pets resize web 20Gi --plan
      kubectl pets resize web 20Gi
      kubectl pets resize web data=20Gi --attributes-class gold -y --timeout 30m -n prod
    """
    request = parse_request(wanted)
    if request is None:
        raise UsageError(f"'{wanted}' is not a size like 20Gi, or TEMPLATE=SIZE like data=20Gi.")
    request = replace(
        request,
        attributes_class=attributes_class,
        operator_paused=operator_paused,
        ordinals=tuple(sorted(set(pods), reverse=True)),
        canary=canary or 0,
        restart=restart,
        keep_template=keep_template,
        hand_over=hand_over,
    )
    return resize(session, name, request, replace(options, dry_run=DryRun.CLIENT) if plan else options, terms)
