"""``kubectl pets resize``: another size for the volumes of a set, with what it takes told before."""

import click

from kubectl_pets.cli.options import SetName, connection, exit_codes, output, pass_session
from kubectl_pets.domain.resize.plan import parse_request
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.resize.carry import show
from kubectl_pets.session import Session


@click.command("resize", epilog=exit_codes(ExitCode.REFUSED))
@connection
@click.argument("name", type=SetName())
@click.argument("wanted", metavar="[TEMPLATE=]SIZE")
@click.option("--attributes-class", default="", metavar="NAME", help="This VolumeAttributesClass as well, in one change.")
@click.option("--operator-paused", is_flag=True, help="Its operator was told to leave the set and its claims alone.")
@click.option("--plan", is_flag=True, help="Print what it takes and change nothing; needed, for it only plans so far.")
@output("table", "json", "yaml")
@pass_session
def command(
    session: Session, name: str, wanted: str, attributes_class: str, operator_paused: bool, plan: bool, output: str
) -> ExitCode:
    """Say what it takes to give the volumes of a set another size, claim by claim, and what speaks against it.

    The API server judges each change without keeping it (dry run), so admission, quotas and webhooks speak beforehand. How far
    an expansion is that is under way is told as well, and of three stalls which one: the storage is at it, a pod has to be
    started again, or what was asked for cannot be had.

    \b
    Examples:
      kubectl pets resize web 20Gi --plan
      kubectl pets resize web data=20Gi --attributes-class gold --plan -n prod
    """
    request = parse_request(wanted, attributes_class=attributes_class, operator_paused=operator_paused)
    if request is None:
        raise UsageError(f"'{wanted}' is not a size like 20Gi, or TEMPLATE=SIZE like data=20Gi.")
    if not plan:
        raise RefusedError("resize only plans so far. Nothing was changed.", hint="say --plan; it tells what to change.")
    return show(session, name, request, RunOptions(output=output))
