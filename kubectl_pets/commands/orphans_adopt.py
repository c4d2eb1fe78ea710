"""``kubectl pets orphans adopt``: retained volumes of another name, namespace or cluster for the claims of a set."""

import click

from kubectl_pets.cli import names
from kubectl_pets.cli.options import ObjectName, SetName, connection, dry_run, exit_codes, output, pass_session, yes_to
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.orphans.adopt import AdoptRun
from kubectl_pets.flows.orphans.adopt import adopt as bind
from kubectl_pets.session import Session


@click.command("adopt", epilog=exit_codes(ExitCode.REFUSED))
@connection
@click.argument("volumes", metavar="VOLUME...", type=ObjectName(names.VOLUME), nargs=-1, required=True)
@click.option("--as", "owner", type=SetName(), required=True, metavar="SET", help="The StatefulSet whose claims they become.")
@click.option("--template", default="", metavar="NAME", help="The claim template; needed where the set has several.")
@click.option("--plan", is_flag=True, help="Print what it would do and change nothing; the same as --dry-run.")
@output("table", "json", "yaml")
@dry_run
@yes_to("volumes are bound to claims")
@pass_session
def adopt(
    session: Session,
    volumes: tuple[names.TypedName, ...],
    owner: str,
    template: str,
    plan: bool,
    output: str,
    dry_run: str,
    yes: bool,
) -> ExitCode:
    """Bind retained volumes to the claims that a set will ask for, in the order in which they are named.

    Each gets the lowest ordinal that has no claim yet, of whatever name, namespace or cluster it was. All or none: refused where
    one is bound, being deleted, too small, of other access modes, or where another PersistentVolume has its storage. Here --as is
    the set; to impersonate somebody it stands before the verb: kubectl pets --as USER orphans adopt ...

    \b
    Examples:
      kubectl pets orphans adopt pv-a pv-b pv-c --as web --plan
      kubectl pets orphans adopt pv-a --as web --template data -n prod
    """
    if any(each.namespace for each in volumes):
        raise UsageError("volumes are of no namespace: -n names the set's.")
    run = AdoptRun(
        volumes=tuple(each.name for each in volumes),
        set=owner,
        template=template,
        dry_run=DryRun.CLIENT if plan and dry_run == "none" else DryRun(dry_run),
        output=output,
        yes=yes,
    )
    return bind(session, run)
