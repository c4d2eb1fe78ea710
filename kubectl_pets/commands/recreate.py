"""``kubectl pets recreate``: what the API calls immutable is changed, by a set that is made again while its pods run on."""

from collections.abc import Mapping
from typing import Any

import click
from msgspec.structs import replace

from kubectl_pets.cli.options import SetName, connection, exit_codes, pass_session, yes_to
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.recreate.asking import Unmeant, of_manifest, of_words
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.recreate.carry import RecreateRequest
from kubectl_pets.flows.recreate.carry import abandon as take_back
from kubectl_pets.flows.recreate.carry import recreate
from kubectl_pets.flows.recreate.manifest import manifest_of
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.terms import terms_options
from kubectl_pets.session import Session


@click.command("recreate", epilog=exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("name", type=SetName())
@click.option("-f", "--filename", default="", metavar="FILE|-", help="A manifest of the set: its immutable fields.")
@click.option("--set", "words", multiple=True, metavar="FIELD=VALUE", help="One of these fields; may be repeated.")
@click.option("--operator-paused", is_flag=True, help="Its operator was told to leave the set alone.")
@click.option("--hand-over", is_flag=True, help="Delete the set alone, and wait until whoever deploys it creates it.")
@click.option("--abandon", is_flag=True, help="Take back what is under way, where the set of before is still there.")
@click.option("--plan", is_flag=True, help="Print what it takes and change nothing; the same as --dry-run.")
@run_options(
    yes=yes_to("the set is deleted and created again, and pods that lack something are replaced"),
    writer=False,
)
@terms_options
@connection
@pass_session
def command(
    session: Session,
    name: str,
    filename: str,
    words: tuple[str, ...],
    operator_paused: bool,
    hand_over: bool,
    abandon: bool,
    plan: bool,
    options: RunOptions,
    terms: Terms,
) -> ExitCode:
    """Change what the API calls immutable: the set is deleted alone and created again within seconds, and its pods run on.

    For serviceName, podManagementPolicy, selector (more labels) and volumeClaimTemplates (added, dropped, of another class or
    size). What is intended is kept in the cluster before the deletion, so typed again without -f and --set it goes on, whoever
    types it. The pod template stays as it is. Pods that lack a volume or their name afterwards are replaced, one at a time.

    \b
    Examples:
      kubectl pets recreate web -f web.yaml --plan
      kubectl pets recreate web --set serviceName=web-headless
      kubectl pets recreate web
    """
    if filename and words:
        raise UsageError("-f and --set exclude each other. Nothing was changed.")
    if abandon:
        if filename or words or plan or options.dry_run is not DryRun.NONE:
            raise UsageError("--abandon stands alone. Nothing was changed.")
        return take_back(session, name, options)
    request = RecreateRequest(wanted=None, operator_paused=operator_paused, hand_over=hand_over)
    if filename:
        manifest = manifest_of(session, filename, name)
        fields = _meant(lambda: of_manifest(manifest))
        request = replace(request, wanted=lambda spec: fields, template=manifest["spec"].get("template"))
    elif words:
        request = replace(request, wanted=lambda spec: _meant(lambda: of_words(words, spec)))
    return recreate(session, name, request, replace(options, dry_run=DryRun.CLIENT) if plan else options, terms)


def _meant(read: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = read()
    except Unmeant as error:
        raise UsageError(f"{error}. Nothing was changed.") from None
    return found
