"""The click options and parameter types that several verbs share. Flags are kubectl's, with kubectl's meaning."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import replace

from kubectl_pets.cli import completing, names
from kubectl_pets.cli.pflag import FALSE, TRUE
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.pasting import connected_by, pets, written_as
from kubectl_pets.session import Session

if TYPE_CHECKING:  # help, version and completion do without the domain
    from click.shell_completion import CompletionItem

    from kubectl_pets.domain.rollout.containers import StuckAfter
    from kubectl_pets.domain.rollout.partition import PartitionRequest
    from kubectl_pets.domain.rollout.revisions import Image
    from kubectl_pets.domain.sets.kinds import SetRef
    from kubectl_pets.domain.stepping.steps import Amount

#: Go's longest duration, in seconds.
_LONGEST = 2**63 / 1e9

_F = TypeVar("_F", bound=Callable[..., Any])

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


#: The verbs that know sets of groups (LeaderWorkerSet).
_WITH_GROUPS = frozenset(
    ("status", "rollout status", "list", "ls", "quorum", "wait", "lost", "dns", "dns explain", "partition", "scale")
    + tuple(f"rollout {verb}" for verb in ("run", "canary", "step", "promote", "pause", "resume", "abort", "restart"))
    + tuple(f"rollout {verb}" for verb in ("undo", "history", "diff"))
)

#: Why another verb is not there for them, and the verb to take instead.
_WITHOUT_GROUPS = {
    "rollout unstick": ("a group that is broken is made anew once its template is another one", "rollout undo"),
    "rollout handover": ("what it gives back are fields of StatefulSets, and these are its controller's", "rollout history"),
    "rollout report": ("its groups come and go as several pods, of which no report is made", "rollout history"),
    "resize": ("its controller writes the claim templates of the StatefulSets that it makes", "status"),
    "recreate": ("its controller makes its StatefulSets itself, and puts them back", "rollout restart"),
    "doctor": ("its rules are about StatefulSets; without a name it looks at those of its groups, too", "status"),
}

#: The verbs that know sets of named pods (InstanceSet, StrimziPodSet): all of them look.
_WITH_NAMES = frozenset(("status", "rollout status", "list", "ls", "quorum", "wait", "lost", "dns", "dns explain"))

#: Seconds that a request may take beyond ``--timeout``: one that is about to be answered is not cut off for being slow.
_LEEWAY = 10.0


class AnySet(click.ParamType["SetRef"]):
    """``web``, ``sts/web``, ``statefulset/web``; or ``prod/web``, which puts the namespace into the session; or one of another
    kind: ``kruise/web``, ``statefulset.apps.kruise.io/web``; or all of it, as ``-o name`` prints it: ``prod/sts/web``."""

    name = "name"
    #: It may be typed as ``TYPE NAME``, too (``pflag``).
    typed_with_kind = True

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "SetRef":
        from kubectl_pets.domain.sets.kinds import SetRef

        if isinstance(value, SetRef):
            return value
        found = EachSet().convert(value, param, ctx)
        session = ctx.find_object(Session) if ctx is not None else None
        if found.namespace and session is not None:
            session.named_namespace = found.namespace
        return replace(found, namespace="")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return completing.sets(ctx, param, incomplete)


class EachSet(AnySet):
    """A click type: as ``AnySet``, for several sets; each keeps the namespace that was typed with it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "SetRef":
        from kubectl_pets.domain.sets.kinds import SetRef

        if isinstance(value, SetRef):
            return value
        return _ref(self, str(value), param, ctx)


class ChangedSet(AnySet):
    """A click type: as ``AnySet``, for verbs that change a set: of a kind with whose real controller they were tried."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "SetRef":
        found = super().convert(value, param, ctx)
        changed(_verb(ctx), found)
        return found


class SetName(click.ParamType[str]):
    """The name of a set of apps/v1, for verbs that know no other kind: ``web``, ``sts/web``, ``statefulset/web``, ``prod/web``.
    One of another kind is refused."""

    name = "name"
    typed_with_kind = True

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from kubectl_pets.domain.sets.kinds import APPS_SET

        found = AnySet().convert(value, param, ctx)
        if found.kind is not APPS_SET:
            raise _unknown_to(_verb(ctx), found, "it is for StatefulSets of apps/v1")
        return found.name

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return completing.sets(ctx, param, incomplete, every_kind=False)


def changed(verb: str, found: "SetRef") -> None:
    """Raises RefusedError for a set of a kind that no verb changes."""
    from kubectl_pets.domain.sets.kinds import Capability

    if Capability.CHANGE not in found.kind.can:
        own = Capability.NAMED in found.kind.can
        raise _unknown_to(verb, found, "its own controller writes all of it" if own else "no verb was tried with its controller")


def _verb(ctx: click.Context | None) -> str:
    return ctx.command_path.removeprefix("kubectl pets ") if ctx is not None else "this"


def _unknown_to(verb: str, found: "SetRef", why: str, *, instead: str = "") -> RefusedError:
    """``instead``: a verb that is there for it; empty: none changes it."""
    look = pets("status", found.typed, namespace=found.namespace)
    hint = f"{look} shows it; so do list, quorum, dns and orphans. Change {found.kind.changed_by or 'it with kubectl'}."
    if instead:
        name = () if instead == "list" else (found.typed,)
        hint = f"{look} shows it; see also: {pets(instead, *name, namespace=found.namespace)}"
    return RefusedError(
        f"'{verb}' is not there for {found.kind.resource}, and {found.typed} is one: {why}. Nothing was changed.", hint=hint
    )


class ObjectName(click.ParamType[names.TypedName]):
    """A click type: the name of an object of any kind, with or without a namespace (``NAMESPACE/NAME``)."""

    name = "name"

    def __init__(self, *kinds: names.Kind) -> None:
        self._kinds = kinds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> names.TypedName:
        return value if isinstance(value, names.TypedName) else _parsed(self, str(value), self._kinds, param, ctx)


def _parsed(
    by: click.ParamType[Any], text: str, kinds: tuple[names.Kind, ...], param: click.Parameter | None, ctx: click.Context | None
) -> names.TypedName:
    try:
        return names.parse(text, *kinds)
    except UsageError as error:
        by.fail(f"{error.message} {error.hint or ''}".rstrip(), param, ctx)


def _ref(by: click.ParamType[Any], text: str, param: click.Parameter | None, ctx: click.Context | None) -> "SetRef":
    """The set that is meant, with the namespace that was typed with it."""
    from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, SetRef, kind_named

    where, rest = names.in_namespace(text)
    word, slash, name = rest.partition("/")
    kind = (kind_named(word) if slash else None) or APPS_SET
    found = _parsed(by, rest if kind is APPS_SET else f"sts/{name}", (names.SET,), param, ctx)
    if where and found.namespace:
        by.fail(f"'{text}' names two namespaces.", param, ctx)
    ref = SetRef(kind=kind, namespace=where or found.namespace, name=found.name)
    if Capability.GROUPS in kind.can and ctx is not None and _verb(ctx) not in _WITH_GROUPS:
        why, instead = _WITHOUT_GROUPS.get(_verb(ctx), ("it knows no groups of pods", "list"))
        raise _unknown_to(_verb(ctx), ref, why, instead=instead)
    if Capability.NAMED in kind.can and ctx is not None and _verb(ctx) not in _WITH_NAMES:
        raise _unknown_to(_verb(ctx), ref, "its own controller writes all of it")
    return ref


class Duration(click.ParamType[timedelta]):
    """Go's durations as kubectl takes them: ``30s``, ``10m``, ``1h30m``; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value)
        if re.fullmatch(r"[0-9]{1,9}", text):
            return timedelta(seconds=int(text))
        parts = re.findall(r"([0-9]{1,15}\.?[0-9]{0,9}|\.[0-9]{1,9})(ms|us|µs|μs|ns|h|m|s)", text)
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if not parts or "".join(number + unit for number, unit in parts) != text or total > _LONGEST:
            self.fail(f"'{text}' is not a duration like 30s, 10m or 1h30m.", param, ctx)
        return timedelta(seconds=total)


class RequestTimeout(Duration):
    """As kubectl takes it (clientcmd ``ParseTimeout``): with a sign as well, and where there is none, or it is negative, or more
    than Go can count, nothing is cut off."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        text = str(value)
        whole = re.fullmatch(r"([+-]?)0*([0-9]{1,19})", text)
        if whole is None and not isinstance(value, timedelta) and text:
            found = super().convert(re.sub("^[+-]", "", text), param, ctx)
            return timedelta(0) if text.startswith("-") else found
        if whole is None:
            return value if isinstance(value, timedelta) else timedelta(0)
        seconds = int(whole[2])
        if seconds >= 2**63 or (whole[1] == "-" and seconds):
            self.fail(f"'{text}' is not a duration like 30s, 10m or 1h30m.", param, ctx)
        return timedelta(seconds=seconds if seconds < _LONGEST else 0)


class Age(Duration):
    """A duration in which days count, too: ``30d``."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,6})d", str(value))
        return timedelta(days=int(found[1])) if found else super().convert(value, param, ctx)


class PatienceValue(click.ParamType["StuckAfter"]):
    """How long failing is not stuck yet: ``5m`` by time alone, ``5m,5`` or five restarts of a container."""

    name = "duration[,restarts]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "StuckAfter":
        from kubectl_pets.domain.rollout.containers import StuckAfter

        if isinstance(value, StuckAfter):
            return value
        text, comma, number = str(value).partition(",")
        time = Duration().convert(text, param, ctx)
        if comma and not re.fullmatch(r"[1-9][0-9]{0,5}", number):
            self.fail(f"'{value}' is not a duration with a number of restarts like 2m,3.", param, ctx)
        return StuckAfter(time=time, restarts=int(number) if comma else None)


class Pods(click.ParamType["Amount"]):
    """A number of pods, or a share of the replicas: ``2``, ``25%``."""

    name = "n|n%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Amount":
        from kubectl_pets.domain.stepping.steps import Amount

        if isinstance(value, Amount):
            return value
        found = re.fullmatch(r"([0-9]{1,6})(%?)", str(value))
        if found is None or int(found[1]) == 0:
            self.fail(f"'{value}' is not a number of pods: give 1 or more, or a share from 1% to 100%.", param, ctx)
        if found[2] and int(found[1]) > 100:
            self.fail(f"'{value}' is more than all pods: give a share from 1% to 100%.", param, ctx)
        return Amount(int(found[1]), percent=bool(found[2]))


class PartitionValue(click.ParamType["PartitionRequest"]):
    """A click type: a partition as ``2``, ``+1``, ``-1`` or ``50%``."""

    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "PartitionRequest":
        from kubectl_pets.domain.rollout.partition import PATTERN, Meaning, PartitionRequest

        if isinstance(value, PartitionRequest):
            return value
        found = re.fullmatch(PATTERN, str(value))
        if found is None:
            self.fail(f"'{value}' is not a partition: give a number, +N, -N, or a share like 50%.", param, ctx)
        if found[3] is not None:
            if int(found[3]) > 100:
                self.fail(f"'{value}' is more than all pods: give a share from 0% to 100%.", param, ctx)
            return PartitionRequest(meaning=Meaning.PERCENT, number=int(found[3]))
        meaning = {"": Meaning.ABSOLUTE, "+": Meaning.UP, "-": Meaning.DOWN}[found[1]]
        return PartitionRequest(meaning=meaning, number=int(found[2]))


class ImageValue(click.ParamType["Image"]):
    """A click type: an image as ``IMAGE`` or ``CONTAINER=IMAGE``."""

    name = "[container=]image"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Image":
        from kubectl_pets.domain.rollout.revisions import Image

        if isinstance(value, Image):
            return value
        container, equals, image = str(value).partition("=")
        if not equals:
            container, image = "", container
        if not image or re.search(r"\s", image) or (equals and not container):
            self.fail(f"'{value}' is not IMAGE or CONTAINER=IMAGE.", param, ctx)
        return Image(container=container, image=image)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return completing.containers(ctx, param, incomplete)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Put a connection flag into the session, wherever on the command line it stood; the last one wins."""
    if value is None or value == ():
        return
    session = ctx.find_object(Session)
    assert session is not None and param.name is not None
    if param.name == "namespace" and value and not names.is_namespace(value):
        raise UsageError(f"'{value}' cannot be the name of a namespace: it is no DNS label (RFC 1123).")
    if isinstance(value, timedelta):
        value = value.total_seconds() or None
    session.flags = replace(session.flags, **{param.name: value})
    connected_by(session.flags.as_typed())


def _ignore(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """A flag about kubectl's own process, which has no equal here."""


class _Quiet(click.Option):
    """One that is taken and completed everywhere, but told in the program's own help only."""

    def get_help_record(self, ctx: click.Context) -> None:
        return None


class Number(click.IntRange):
    """A whole number in a range. What is none is "not a valid integer"; click has it that it is not a valid "integer range"."""

    name = "integer"


class _Switch(click.ParamType[bool]):
    """True or false as ``pflag`` reads it: nothing at all, which a variable that is not set leaves, is an error."""

    name = "boolean"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        if isinstance(value, bool):
            return value
        if value not in TRUE | FALSE:
            self.fail(f"{value!r} is neither true nor false.", param, ctx)
        return value in TRUE


def _flag(*names: str, completes: Callable[..., Any] | None = None, **kw: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, {"shell_complete": completes, **kw}


def _switch(*names: str, **kw: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """On, or with ``=false`` off again (``pflag`` gives the bare one its value)."""
    return _flag(*names, type=_Switch(), is_flag=False, flag_value="true", metavar="", **kw)


#: The first of these are shown in every verb's help, all of them in the program's.
_SHOWN_EVERYWHERE = 3
_CONNECTION = (
    _flag(
        "-n",
        "--namespace",
        metavar="NAMESPACE",
        completes=completing.namespaces,
        help="Namespace to look in; the context's where not given.",
    ),
    _flag("--context", metavar="NAME", completes=completing.configured("contexts"), help="Context of the kubeconfig to use."),
    _flag(
        "--kubeconfig",
        metavar="FILE",
        completes=completing.files,
        help="The kubeconfig to use instead of $KUBECONFIG or ~/.kube/config.",
    ),
    _flag("--cluster", metavar="NAME", completes=completing.configured("clusters"), help="Cluster of the kubeconfig to use."),
    _flag("--user", metavar="NAME", completes=completing.configured("users"), help="User of the kubeconfig to use."),
    _flag("-s", "--server", metavar="URL", help="Address of the API server."),
    _flag("--proxy-url", metavar="URL", help="Proxy on the way to the API server."),
    _flag("--token", metavar="TOKEN", help="Bearer token to authenticate with."),
    _flag("--username", metavar="NAME", help="User name for basic authentication."),
    _flag("--password", metavar="PASSWORD", help="Password for basic authentication."),
    _flag(
        "--client-certificate", metavar="FILE", completes=completing.files, help="Client certificate to authenticate with (PEM)."
    ),
    _flag("--client-key", metavar="FILE", completes=completing.files, help="Key of the client certificate (PEM)."),
    _flag("--as", "as_user", metavar="USER", help="User to impersonate."),
    _flag("--as-group", "as_groups", metavar="GROUP", multiple=True, help="Group to impersonate; may be repeated."),
    _flag("--as-uid", metavar="UID", help="UID to impersonate."),
    _flag("--as-user-extra", metavar="KEY=VALUE", multiple=True, help="Extra of the user to impersonate; may be repeated."),
    _flag(
        "--certificate-authority",
        metavar="FILE",
        completes=completing.files,
        help="Certificate of the authority that signed the server's.",
    ),
    _flag("--tls-server-name", metavar="NAME", help="Name to check the server's certificate for."),
    _switch("--insecure-skip-tls-verify", help="Do not check the server's certificate."),
    _switch("--disable-compression", help="Have answers sent uncompressed."),
    _flag("--request-timeout", type=RequestTimeout(), metavar="DURATION", help="Give up on a single request after this long."),
    _flag("--kuberc", metavar="FILE", completes=completing.files, help="Preferences that say which credential plugins may run."),
    _flag(
        "-v",
        "--v",
        "--verbose",
        "verbosity",
        type=int,
        is_flag=False,
        flag_value="1",
        metavar="LEVEL",
        help="Show the traceback of an error; from level 6 each request with its time.",
    ),
)

#: kubectl's flags about its own process: taken, so that an alias with one of them works, and without effect.
WITHOUT_EFFECT = ("--cache-dir", "--log-flush-frequency", "--profile", "--profile-output", "--vmodule")


def _for_pipeline(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    session = ctx.find_object(Session)
    if value and session is not None:
        session.terminal.for_pipeline()


def _without_colour(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    session = ctx.find_object(Session)
    if value and session is not None:
        session.terminal.colour = False


def _note_junit(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    session = ctx.find_object(Session)
    if value and session is not None:
        session.junit = value


#: How all verbs talk.
_TALK = (
    _flag("--no-color", is_flag=True, callback=_without_colour, help="No colours; NO_COLOR and FORCE_COLOR are heard, too."),
    _flag(
        "--ci",
        is_flag=True,
        callback=_for_pipeline,
        help="A log, also on a terminal; under GitHub Actions with annotations and a summary of the step.",
    ),
)

junit = click.option(
    "--junit",
    metavar="FILE",
    expose_value=False,
    callback=_note_junit,
    shell_complete=completing.files,
    help="Write what came of each set there, as JUnit's XML.",
)


#: As the API server has it (apimachinery, validation.ValidateFieldManager), which would say so at the first change only.
_LONGEST_MANAGER = 128


def _note_manager(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    session = ctx.find_object(Session)
    if value is None or session is None:
        return
    if not value or len(value.encode()) > _LONGEST_MANAGER or not value.isprintable():
        raise UsageError(
            f"--field-manager takes 1 to {_LONGEST_MANAGER} bytes of printable text, which this is not: '{value}'",
            hint="without it the name is kubectl-pets",
        )
    session.written_as = value
    written_as(value)


field_manager = click.option(
    "--field-manager",
    metavar="NAME",
    expose_value=False,
    callback=_note_manager,
    help="Who owns what is written into the set (managedFields); kubectl-pets where not given.",
)


def connection(command: _F, *, all_shown: bool = False) -> _F:
    """All of kubectl's connection flags, ``-v``, and how it talks. They may stand before the verb or after it."""
    for flags, kw in reversed(_TALK):
        command = click.option(*flags, cls=click.Option if all_shown else _Quiet, expose_value=False, **kw)(command)
    for name in WITHOUT_EFFECT:
        command = click.option(name, hidden=True, expose_value=False, callback=_ignore)(command)
    own = {name for option in getattr(command, "__click_params__", ()) for name in option.opts}
    for index, (flags, kw) in reversed(list(enumerate(_CONNECTION))):
        if own.intersection(flags):
            continue  # this verb has another meaning for it; in front of the verb it is kubectl's still
        shown = all_shown or index < _SHOWN_EVERYWHERE or "-v" in flags
        kind = click.Option if shown else _Quiet
        command = click.option(*flags, cls=kind, expose_value=False, callback=_remember, **kw)(command)
    return command


#: What the exit codes mean, in every help and in the README.
_EXIT_CODES = {
    ExitCode.OK: "done, all well",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "wrong usage",
    ExitCode.NOT_YET: "not done yet, or paused",
    ExitCode.STUCK: "stuck or degraded",
    ExitCode.TIMED_OUT: "timed out",
    ExitCode.REFUSED: "refused: unsafe, nothing was changed",
    ExitCode.FINDINGS: "--check, or doctor, found something",
    ExitCode.INTERRUPTED: "interrupted",
}


def exit_codes(*codes: ExitCode) -> str:
    """The end of a verb's help: the codes that it can end with, besides those that any verb can."""
    every = {ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED, *codes}
    return "\n".join(["\b", "Exit codes:", *(f"  {code.value:<3}  {_EXIT_CODES[code]}" for code in sorted(every))])


def sets_named(command: _F) -> _F:
    """``sets``, several names, or ``all_namespaces`` or a ``selector``: what a verb takes that only looks."""
    for option in (
        click.argument("sets", metavar="[NAME]...", type=EachSet(), nargs=-1, shell_complete=completing.sets),
        click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces."),
        click.option("-l", "--selector", metavar="SELECTOR", help="Only sets with these labels, like app=web,tier!=test."),
    ):
        command = option(command)
    return command


#: kubectl's ways to pick fields, each of which is a language of its own.
_LANGUAGES = ("jsonpath", "jsonpath-as-json", "jsonpath-file", "custom-columns", "custom-columns-file")
_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile")


#: Fields and elements, which are the same in jq.
_PLAIN_PATH = re.compile(r"\{?((?:\.[A-Za-z_]\w*(?:\[(?:\*|[0-9]+)])*)+)}?", re.ASCII)


class OutputFormat(click.Choice[str]):
    """How to print the answer; what kubectl has besides is refused with the way there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word, _, asked = str(value).partition("=")
        if word in _LANGUAGES or word in _TEMPLATES:
            plain = _PLAIN_PATH.fullmatch(asked) if word == "jsonpath" else None
            same = f" In its place: -o json | jq -r '{plain[1].replace('[*]', '[]')}'" if plain else ""
            self.fail(f"'{word}' is not spoken here: take -o json, and pick the fields with jq.{same}", param, ctx)
        return str(super().convert(value, param, ctx))


def output(*formats: str) -> Callable[[_F], _F]:
    """``-o``; the first format is the default."""
    return click.option(
        "-o", "--output", type=OutputFormat(formats), default=formats[0], show_default=True, help="How to print the answer."
    )


class _Kind(click.ParamType[str]):
    """A kind of custom resources, or all of a group, as it is called in what could not be read."""

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from kubectl_pets.domain.orphans.inventory import ignorable

        kind = str(value).lower()
        if not ignorable((kind,)):
            hint = "custom resources only, such as reports.example.org, or all of a group: '*.example.org'"
            self.fail(f"'{value}' cannot be left out: {hint}", param, ctx)
        return kind


def ignore_kind(command: _F) -> _F:
    """``--ignore-kind``: custom resources that are not read and not missed."""
    return click.option(
        "--ignore-kind",
        "ignored",
        type=_Kind(),
        multiple=True,
        metavar="KIND",
        help="Custom resources that want no claims, as PLURAL.GROUP or '*.GROUP': they are not read.",
    )(command)


def _dry_run(*values: str, about: str) -> Callable[[_F], _F]:
    """``--dry-run`` with kubectl's values; bare it means ``client``."""
    return click.option(
        "--dry-run",
        type=click.Choice(values),
        default="none",
        show_default=True,
        is_flag=False,
        flag_value="client",
        help=about,
    )


dry_run = _dry_run(
    "none", "client", "server", about="Print the plan and change nothing; 'server' has the API server check the first change."
)
dry_run_here = _dry_run("none", "client", about="Say what would be written where, and write nothing.")


def yes_to(what: str) -> Callable[[_F], _F]:
    """``-y``, with what is agreed to by it."""
    return click.option("-y", "--yes", is_flag=True, help=f"Do not ask before {what}.")


yes = yes_to("pods get deleted")
pass_session = click.make_pass_decorator(Session)


def _bound(ctx: click.Context, param: click.Parameter, value: timedelta | None) -> timedelta | None:
    """Whoever gives up after a while does not sit there for longer because a server says nothing."""
    session, limit = ctx.find_object(Session), seconds(value)
    if session is not None and limit is not None:
        session.bound_requests(limit + _LEEWAY)
    return value


timeout = click.option(
    "--timeout",
    type=Duration(),
    metavar="DURATION",
    callback=_bound,
    help="Give up waiting after this long (exit code 5); 0: never.",
)


patience = click.option(
    "--patience",
    type=PatienceValue(),
    metavar="DURATION[,N]",
    default="2m,3",
    show_default=True,
    help="How long what fails may yet pass, or up to N restarts of a container; then it is stuck.",
)


def seconds(duration: timedelta | None) -> float | None:
    """A ``--timeout`` for a deadline: None and 0 mean never."""
    return duration.total_seconds() or None if duration is not None else None
