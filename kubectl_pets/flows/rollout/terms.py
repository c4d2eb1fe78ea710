"""The flags that say what has to hold before a pod goes down: minimum, quorum, budgets, gates. Handed over as one ``terms``."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any

import click
from click.core import ParameterSource
from msgspec.structs import replace

from kubectl_pets import pasting
from kubectl_pets.cli.options import Duration, Number, Pods
from kubectl_pets.domain.stepping.steps import Amount
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.gates import CommandGate, ExecGate, Gate, HttpGate
from kubectl_pets.flows.rollout.snapshot_types import SnapshotTerms


class HttpGateValue(click.ParamType[HttpGate]):
    """``/healthz:8080``; ``/healthz:https:8443`` for TLS."""

    name = "path:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> HttpGate:
        if isinstance(value, HttpGate):
            return value
        path, colon, port = str(value).rpartition(":")
        if path.endswith(":https"):
            path, port = path.removesuffix(":https"), f"https:{port}"
        if not colon or not path.startswith("/") or not port.rpartition(":")[2]:
            self.fail(f"'{value}' is not PATH:PORT like /healthz:8080.", param, ctx)
        return HttpGate(path=path, port=port)


def _noted(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """A flag that was typed is typed again by whatever goes on with this run."""
    if ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
        given = value if isinstance(value, tuple) else (value,) if value is not False else ()
        for each in given:
            pasting.guarded_by((param.opts[0], *(() if each is True else (_as_typed(each),))))
    return value


def _as_typed(value: Any) -> str:
    if isinstance(value, HttpGate):
        return f"{value.path}:{value.port}"
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else str(value)


_guard = partial(click.option, callback=_noted)

_OPTIONS = (
    _guard("--min-available", type=Pods(), help="Pods that stay available, whatever happens; missing ones do not count."),
    _guard("--quorum", is_flag=True, help="The same for the majority of spec.replicas."),
    _guard("--ignore-budgets", is_flag=True, help="Do not ask PodDisruptionBudgets before a pod goes down."),
    _guard("--gate-exec", multiple=True, metavar="CMD", help="Run this in each new pod; anything but exit code 0 stops."),
    _guard("--gate-http", multiple=True, type=HttpGateValue(), help="GET this from each new pod, by the API server."),
    _guard("--gate-cmd", multiple=True, metavar="CMD", help="Run this here for each new pod, in $KUBECTL_PETS_POD."),
    _guard("--gate-dns", is_flag=True, help="Before the next pod goes down every name is right at every DNS server."),
    _guard("--gate-timeout", type=Duration(), default="30s", show_default=True, help="For one try of one gate."),
    _guard("--gate-retries", type=Number(0, 1000), default=3, show_default=True, help="More tries, one a second."),
)


_SNAPSHOT_OPTIONS = (
    click.option(
        "--snapshot",
        is_flag=False,
        flag_value="",
        metavar="[CLASS]",
        help="Take a VolumeSnapshot of every claim before the first pod goes, and wait until all are ready.",
    ),
    click.option(
        "--snapshot-group",
        is_flag=False,
        flag_value="",
        metavar="[CLASS]",
        help="One VolumeGroupSnapshot of all claims instead: one moment for all volumes, if the driver has it.",
    ),
    click.option("--snapshot-each", is_flag=True, help="Of each pod's claims right before its turn instead."),
    click.option(
        "--keep-snapshots",
        type=Number(min=1),
        metavar="N",
        help="Once complete, delete snapshots of earlier rollouts of the set but the N newest generations.",
    ),
    click.option("--before-snapshot", "before", default="", metavar="CMD", help="In each pod first, as to have it stand still."),
    click.option("--after-snapshot", "after", default="", metavar="CMD", help="In it once the cut is made, whatever happens."),
)


def snapshot_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """What is said of snapshots, as a part of the ``terms``: to stand below ``terms_options``."""

    @wraps(command)
    def packed(
        *args: Any,
        terms: Terms,
        snapshot: str | None,
        snapshot_group: str | None,
        snapshot_each: bool,
        keep_snapshots: int | None,
        before: str,
        after: str,
        **kw: Any,
    ) -> ExitCode:
        if snapshot is None and snapshot_group is None and not snapshot_each:
            beside = {"--keep-snapshots": keep_snapshots, "--before-snapshot": before, "--after-snapshot": after}
            alone = next((flag for flag, value in beside.items() if value), None)
            if alone is not None:
                raise UsageError(f"{alone} goes with --snapshot or --snapshot-each. Nothing was changed.")
            return command(*args, terms=terms, **kw)
        if snapshot_group is not None:
            if snapshot is not None:
                told = "--snapshot-group is of one moment for all claims, so --snapshot does not go with it"
                raise UsageError(f"{told}. Nothing was changed.")
            if snapshot_each:
                told = "a group is chosen by labels of claims, and none says of which pod a claim is: there is none of one pod"
                either = "take --snapshot-group, with all pods' claims in it, or --snapshot with --snapshot-each"
                raise UsageError(f"{told}. Nothing was changed.", hint=either)
        if after and not before:
            raise UsageError("--after-snapshot goes with --before-snapshot. Nothing was changed.")
        asked = SnapshotTerms(
            snapshot_class=snapshot or snapshot_group or "",
            group=snapshot_group is not None,
            each=snapshot_each,
            keep=keep_snapshots or 0,
            before=before,
            after=after,
            patience=terms.gate_timeout,
            retries=terms.gate_retries,
        )
        return command(*args, terms=replace(terms, snapshots=asked), **kw)

    for option in reversed(_SNAPSHOT_OPTIONS):
        packed = option(packed)
    return packed


def soak_option(*names: str) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    return click.option(*names, "soak", type=Duration(), default="0", metavar="DURATION", help="Wait this long between steps.")


#: Where nothing else is said.
SETTLE = "10s"

settle_option = _guard(
    "--settle",
    type=Duration(),
    default=SETTLE,
    show_default=True,
    metavar="DURATION",
    help="How long new pods have to stay Ready where the set's minReadySeconds is 0; 0: do not wait.",
)


def terms_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    @wraps(command)
    def packed(
        *args: Any,
        min_available: Amount | None,
        quorum: bool,
        ignore_budgets: bool,
        gate_exec: tuple[str, ...],
        gate_http: tuple[HttpGate, ...],
        gate_cmd: tuple[str, ...],
        gate_dns: bool,
        gate_timeout: timedelta,
        gate_retries: int,
        **kw: Any,
    ) -> ExitCode:
        gates: tuple[Gate, ...] = (
            *(ExecGate(command=each) for each in gate_exec),
            *gate_http,
            *(CommandGate(command=each) for each in gate_cmd),
        )
        terms = Terms(
            min_available=min_available,
            quorum=quorum,
            ignore_budgets=ignore_budgets,
            gates=gates,
            gate_dns=gate_dns,
            gate_timeout=gate_timeout.total_seconds() or 30.0,
            gate_retries=gate_retries,
        )
        return command(*args, terms=terms, **kw)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed
