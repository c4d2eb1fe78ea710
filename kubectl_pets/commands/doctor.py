"""``kubectl pets doctor``: what is wrong with StatefulSets, or will be at the next restart, drain, scale or upgrade."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kubectl_pets import pasting
from kubectl_pets.cli import completing
from kubectl_pets.cli.groups import Verb, VerbGroup
from kubectl_pets.cli.options import EachSet, connection, exit_codes, output, pass_session
from kubectl_pets.domain.doctor.checkup import Asked, Checkup
from kubectl_pets.domain.doctor.ignoring import fits, known
from kubectl_pets.domain.findings import RULES, Rule, Severity
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.doctor import files
from kubectl_pets.flows.doctor.examine import Patients, look, look_beside
from kubectl_pets.flows.engine.choosing import at
from kubectl_pets.session import Session
from kubectl_pets.views import doctor as view
from kubectl_pets.views.doctor import documents, pages, table

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HERE = "kubectl_pets.commands.doctor"

VERBS = {
    "explain": Verb(f"{_HERE}:explain", "One rule: what it finds, what happens next, how to mend it."),
    "rules": Verb(f"{_HERE}:rules", "All rules, with severity."),
}


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    own = completing.verbs(((name, verb.about) for name, verb in VERBS.items()), incomplete)
    return own + completing.sets(context, parameter, incomplete)


class _Globs(click.ParamType[str]):
    """Rules by number or word, with ``*``."""

    name = "rule"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not known(text):
            self.fail(f"there is no rule {text}; {pasting.pets('doctor', 'rules')} lists them.", param, ctx)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return completing.verbs(((rule.value, card.number) for rule, card in RULES.items()), incomplete)


_path = click.Path(path_type=Path)


@click.group(
    cls=VerbGroup, verbs=VERBS, name="doctor", invoke_without_command=True, epilog=exit_codes(ExitCode.REFUSED, ExitCode.FINDINGS)
)
@click.argument("names", metavar="[NAME]...", nargs=-1, type=EachSet(), shell_complete=_names)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only sets with these labels.")
@click.option(
    "-f",
    "--filename",
    "manifests",
    metavar="FILE|DIR|-",
    multiple=True,
    help="Manifests in place of a cluster; or, with --live, beside it.",
)
@click.option("--live", is_flag=True, help="With -f: only what the manifests would make worse in the cluster.")
@click.option("--only", type=_Globs(), multiple=True, metavar="RULE", help="Only these rules, like PETS3* or no-spread.")
@click.option("--skip", type=_Globs(), multiple=True, metavar="RULE", help="Not these rules.")
@click.option(
    "--fail-on",
    type=click.Choice([each.value for each in Severity]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with code 7 from this severity on.",
)
@click.option("--strict", is_flag=True, help="Exit with code 7 also where a rule could not be judged.")
@click.option("--deep", is_flag=True, help="Also ask DNS servers, kubelets, and for the names of Secrets; never what is in them.")
@click.option("--config", type=_path, metavar="FILE", help=f"What to ignore; {files.IGNORE_FILE} where not given.")
@click.option("--baseline", type=_path, metavar="FILE", help="Tell only what is not in it.")
@click.option("--write-baseline", type=_path, metavar="FILE", help="Write all that is found to it, for --baseline.")
@output(*view.FORMATS)
@connection
@pass_session
def command(
    session: Session,
    names: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str,
    manifests: tuple[str, ...],
    live: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    fail_on: str,
    strict: bool,
    deep: bool,
    config: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    output: str,
) -> ExitCode:
    """What is wrong with StatefulSets, or will be at the next restart, drain, scale or upgrade: each finding with its numbers,
    what happens next, and the command that mends it.

    A rule that could not be judged, because something may not be read, is skipped and said so: it is never passed.

    \b
    Examples:
      kubectl pets doctor
      kubectl pets doctor web db -o wide
      kubectl pets doctor -A --only 'PETS3*' --fail-on warning
      helm template . | kubectl pets doctor -f -
      helm template . | kubectl pets doctor -f - --live
      kubectl pets doctor explain PETS201
    """
    if names and (all_namespaces or selector):
        chosen = ("--all-namespaces", "--selector")
        alone = pasting.again("doctor", *(each.typed for each in names), without=chosen, namespace=names[0].namespace)
        raise UsageError("names and -A or -l exclude each other.", hint=alone)
    if manifests and (names or all_namespaces or selector or deep):
        raise UsageError("-f looks at manifests: no names, -A, -l or --deep with it.")
    if live and not manifests:
        raise UsageError("--live goes with -f: it tells what manifests would make worse.")
    asked = Asked(
        only=only,
        skip=skip,
        deep=deep,
        ignores=files.read_ignores(config or Path(files.IGNORE_FILE), required=config is not None),
        baseline=files.read_baseline(baseline) if baseline is not None else frozenset(),
    )
    terminal = session.terminal
    if manifests:
        place = session.namespace if live else session.flags.namespace or "default"
        found = files.read_manifests(manifests, terminal.stdin, place)
        seen = look_beside(session.cluster, found, asked, terminal.passing) if live else files.look_at_files(found, asked)
    else:
        namespace = None if all_namespaces else _namespace(session, names)
        patients = Patients(namespace=namespace, names=names, labels=selector, deep=deep)
        seen = look(session.cluster, patients, asked, terminal.passing)
    if write_baseline is not None:
        terminal.tell(f"{files.write_baseline(write_baseline, seen)} findings were written to {write_baseline}")
    _print(session, seen, output)
    return ExitCode.FINDINGS if seen.fails(Severity(fail_on), strict=strict) else ExitCode.OK


def _namespace(session: Session, names: tuple[SetRef, ...]) -> str:
    places = {at(session, ref) for ref in names} or {session.namespace}
    if len(places) > 1:
        hint = "examine one after the other, or all with -A --only or -l."
        raise UsageError(f"the sets are of several namespaces ({', '.join(sorted(places))}).", hint=hint)
    return places.pop()


def _print(session: Session, seen: Checkup, output: str) -> None:
    terminal = session.terminal
    if output not in ("table", "wide"):
        text = view.document(seen, output)
        if text and output == "github":
            terminal.order(text)
        elif text:
            terminal.print(text)
        if output == "github":
            files.append_summary(view.summary(seen), os.environ)
        return
    text = table.draw(seen, wide=output == "wide", width=terminal.limit, colour=terminal.colour)
    if text:
        terminal.print(text)
    terminal.tell(table.total(seen))


@click.command("explain", epilog=exit_codes())
@click.argument("rule", type=_Globs())
@connection
@pass_session
def explain(session: Session, rule: str) -> ExitCode:
    """One rule: what it finds, what happens next, how to mend it, and what it rests on. Asks no cluster.

    \b
    Examples:
      kubectl pets doctor explain PETS201
      kubectl pets doctor explain partition-left-over
    """
    meant: list[Rule] = [each for each in RULES if fits(rule, each)]
    for index, each in enumerate(meant):
        if index:
            session.terminal.print("\n")
        session.terminal.print(pages.explain(each, width=session.terminal.limit, colour=session.terminal.colour))
    return ExitCode.OK


@click.command("rules", epilog=exit_codes())
@output("table", "json", "yaml")
@connection
@pass_session
def rules(session: Session, output: str) -> ExitCode:
    """All rules, with number, name, severity and what each finds. Asks no cluster.

    \b
    Examples:
      kubectl pets doctor rules
      kubectl pets doctor rules -o json
    """
    terminal = session.terminal
    terminal.print(pages.rules(width=terminal.limit, colour=terminal.colour) if output == "table" else documents.rules(output))
    return ExitCode.OK
