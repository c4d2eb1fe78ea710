"""What the control plane is made of and where each binary comes from.

Every binary is one package of a Go module that pins its whole dependency graph. The modules of the default version lie
beside this file; the Kubernetes module of any other version is derived from k8s.io/kubernetes' own go.mod, because its
staging repositories are `replace`d there by folders that only exist inside that module.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

DEFAULT_VERSION = "v1.37.2"
KWOK_VERSION = "v0.8.0"
COREDNS_VERSION = "v1.15.0"
KREW_VERSION = "v0.5.0"
POPEYE_VERSION = "v0.22.1"
KUBE_SCORE_VERSION = "v1.20.0"
HELM_VERSION = "v4.3.1"
PROMETHEUS_VERSION = "v0.316.0"
PROVISIONER_VERSION = "v6.4.0"
RESIZER_VERSION = "v2.3.0"
SNAPSHOTTER_VERSION = "v8.7.0"
#: Of our own driver: the CSI specification that it answers by.
CSI_VERSION = "v1.13.0"
KRUISE_VERSION = "v1.8.0"
LWS_VERSION = "v0.8.0"

GO_FOLDER = Path(__file__).with_name("go")

#: Raised when the way a binary is built changes, so that cached ones are built anew.
RECIPE_FORMAT = 1


#: They are one program (go/kubernetes/servers), which looks at its name to know which of them it is: compiled side by side and
#: linked once, where three programs would each be linked from the same packages again.
SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class Recipe:
    """One binary: the Go package that it is, the module that pins it and what the linker tells it about itself."""

    name: str
    package: str
    module: str
    version: str
    linker_values: tuple[tuple[str, str], ...] = ()
    #: The names to start it by, each a link beside it; empty: its own. Not among what decides the binary (`key`).
    names: tuple[str, ...] = field(default=(), repr=False)

    @property
    def provides(self) -> tuple[str, ...]:
        return self.names or (self.name,)

    @property
    def linker_flags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.linker_values)])


def parse_version(version: str) -> tuple[int, int, int]:
    """The numbers of a Kubernetes version; a ValueError for anything that is not one."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", version)
    if match is None:
        raise ValueError(f"{version!r} is not a Kubernetes version such as {DEFAULT_VERSION}")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def recipes(version: str = DEFAULT_VERSION) -> tuple[Recipe, ...]:
    """Everything that can be built for a server version, in the order in which it is built."""
    major, minor, _ = parse_version(version)
    # Without these the server calls itself v0.0.0, and clients take it for one.
    kubernetes = tuple(
        (f"k8s.io/component-base/version.{name}", value)
        for name, value in (
            ("gitVersion", version), ("gitMajor", str(major)), ("gitMinor", str(minor)), ("gitTreeState", "clean"),
        )
    )
    return (
        Recipe("etcd", "go.etcd.io/etcd/server/v3", "kubernetes", version),
        Recipe("kubernetes", "./servers", "kubernetes", version, kubernetes, SERVERS),
        Recipe(
            "kwok", "sigs.k8s.io/kwok/cmd/kwok", "kwok", KWOK_VERSION,
            (("sigs.k8s.io/kwok/pkg/consts.Version", KWOK_VERSION),),
        ),
        Recipe("coredns", ".", "coredns", COREDNS_VERSION),
        *(
            Recipe(
                name, f"sigs.k8s.io/krew/cmd/{name}", "krew", KREW_VERSION,
                (("sigs.k8s.io/krew/internal/version.gitTag", KREW_VERSION),),
            )
            for name in ("krew", "validate-krew-manifest")
        ),
    )


def peers() -> tuple[Recipe, ...]:
    """Other tools: what a benchmark holds ours against, and who else deploys sets. Built when they are asked for by name."""
    return (
        Recipe(
            "helm", "helm.sh/helm/v4/cmd/helm", "helm", HELM_VERSION,
            (("helm.sh/helm/v4/internal/version.version", HELM_VERSION),),
        ),
        Recipe(
            "popeye", "github.com/derailed/popeye", "popeye", POPEYE_VERSION,
            (("github.com/derailed/popeye/cmd.version", POPEYE_VERSION),),
        ),
        Recipe(
            "kube-score", "github.com/zegl/kube-score/cmd/kube-score", "kube-score", KUBE_SCORE_VERSION,
            (("main.version", KUBE_SCORE_VERSION),),
        ),
        Recipe("prometheus", ".", "prometheus", PROMETHEUS_VERSION),
    )


def of_a_node() -> tuple[Recipe, ...]:
    """What a real node runs, of the default version. Built when they are asked for by name; tests/node asks."""
    servers = next(recipe for recipe in recipes() if recipe.names == SERVERS)
    return tuple(replace(servers, name=name, package=f"k8s.io/kubernetes/cmd/{name}", names=()) for name in ("kubelet", "kube-proxy"))


def of_storage() -> tuple[Recipe, ...]:
    """What provisions, expands and snapshots volumes, and the driver that they ask. Built when they are asked for by name;
    tests/controlplane/storage.py asks."""
    return (
        *(
            Recipe(
                program, f"github.com/kubernetes-csi/{repository}/{version.partition('.')[0]}/cmd/{program}", "storage", version,
                (("main.version", version),),
            )
            for program, repository, version in (
                ("csi-provisioner", "external-provisioner", PROVISIONER_VERSION),
                ("csi-resizer", "external-resizer", RESIZER_VERSION),
                ("csi-snapshotter", "external-snapshotter", SNAPSHOTTER_VERSION),
                ("snapshot-controller", "external-snapshotter", SNAPSHOTTER_VERSION),
            )
        ),
        Recipe("csi-driver", ".", "csi", CSI_VERSION),
    )


def of_operators() -> tuple[Recipe, ...]:
    """Controllers of other kinds of sets, each with its webhooks and nothing else of its manager. Built when they are asked for by
    name; tests/controlplane/operators.py asks."""
    return Recipe("kruise", ".", "kruise", KRUISE_VERSION), Recipe("lws", ".", "lws", LWS_VERSION)


def cache_root() -> Path:
    """The folder of everything that is kept between runs, outside any checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kubectl-pets" / "controlplane"


def module_folder(recipe: Recipe) -> Path:
    """Where the recipe's go.mod lies; for a Kubernetes other than the default one, where it is generated."""
    if recipe.module == "kubernetes" and recipe.version != DEFAULT_VERSION:
        return cache_root() / recipe.version / f"module-{RECIPE_FORMAT}"
    return GO_FOLDER / recipe.module


def key(recipe: Recipe) -> str:
    """A short hash of all that decides what the binary will be."""
    digest = hashlib.sha256(f"{RECIPE_FORMAT} {sys.platform} {platform.machine()} {recipe}\n".encode())
    folder = module_folder(recipe)
    inner = sorted((folder / recipe.package).iterdir()) if recipe.package.startswith("./") else []
    for path in (*sorted(folder.iterdir()), *inner):
        if path.name in ("go.mod", "go.sum") or path.suffix == ".go":
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def binary_path(recipe: Recipe) -> Path:
    """Where the built binary is cached. Servers are filed by version; what they share by its own name and version."""
    shelf = recipe.version if recipe.module == "kubernetes" else f"{recipe.module}-{recipe.version}"
    return cache_root() / shelf / f"{recipe.name}-{key(recipe)}" / recipe.name


def kubernetes_module(version: str, upstream: str) -> str:
    """The go.mod from which the servers of `version` are built, given the text of that version's own go.mod."""
    major, minor, patch = parse_version(version)
    if major != 1:
        raise ValueError(f"staging modules are numbered after Kubernetes 1.x only, not {version}")
    go = re.search(r"^go (\S+)$", upstream, re.MULTILINE)
    if go is None:
        raise ValueError(f"no go line in the go.mod of Kubernetes {version}")
    godebug = re.findall(r"^godebug \w+=\S+$", upstream, re.MULTILINE)
    required = set(re.findall(r"^\s*(?:require\s+)?(\S+) v0\.0\.0(?:\s|$)", upstream, re.MULTILINE))
    staged = re.findall(r"^\s*(?:replace\s+)?(\S+) => \./staging/\S+$", upstream, re.MULTILINE)
    return "\n".join([
        "module kubectl-pets.test/controlplane/kubernetes",
        "",
        f"go {go.group(1)}",
        "",
        *(line for setting in godebug for line in (setting, "")),
        *_block("tool", ("go.etcd.io/etcd/server/v3", *(f"k8s.io/kubernetes/cmd/{name}" for name in SERVERS))),
        "",
        f"require k8s.io/kubernetes {version}",
        "",
        # A staging module that nothing requires may be missing upstream, so it must not be named.
        *_block("replace", (f"{name} => {name} v0.{minor}.{patch}" for name in staged if name in required)),
        "",
    ])


def _block(verb: str, lines: Iterable[str]) -> list[str]:
    return [f"{verb} (", *(f"\t{line}" for line in sorted(lines)), ")"]
