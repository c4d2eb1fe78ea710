"""The builder: what it derives, what it keeps, how it fails. On a tiny module, since the real ones take a quarter of an hour."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane import build, recipes
from tests.controlplane.progress import Progress
from tests.controlplane.recipes import Recipe
from tests.controlplane.runs import _PROJECT

UPSTREAM = """module k8s.io/kubernetes

go 1.24.0

godebug default=go1.24

require (
\tgithub.com/some/thing v1.2.3
\tk8s.io/api v0.0.0
\tk8s.io/client-go v0.0.0
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
\tk8s.io/client-go => ./staging/src/k8s.io/client-go
\tk8s.io/unused => ./staging/src/k8s.io/unused
)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A Go module with one program, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    folder = tmp_path / "go" / "tiny"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module tiny\n\ngo 1.24\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text('package main\n\nfunc main() { println("tiny") }\n')
    monkeypatch.setattr(recipes, "GO_FOLDER", tmp_path / "go")
    recipe = Recipe("tiny", ".", "tiny", "v1.0.0")
    monkeypatch.setattr(recipes, "recipes", lambda version: (recipe,))
    return recipe


def test_another_version_is_derived_from_its_own_module_file() -> None:
    derived = recipes.kubernetes_module("v1.34.4", UPSTREAM)
    assert "require k8s.io/kubernetes v1.34.4" in derived and "go 1.24.0" in derived
    assert "k8s.io/client-go => k8s.io/client-go v0.34.4" in derived and "unused" not in derived
    with pytest.raises(ValueError, match="not a Kubernetes version"):
        recipes.parse_version("1.34")


def test_built_once_with_progress_and_kept(module: Recipe) -> None:
    told = io.StringIO()
    path = build.binaries(progress=Progress(told, every=0))["tiny"]
    assert subprocess.run([path], capture_output=True, check=True).stderr == b"tiny\n"
    assert "[1/1] tiny" in told.getvalue() and "built in" in told.getvalue() and str(recipes.cache_root()) in told.getvalue()
    made = path.stat().st_mtime_ns
    again = io.StringIO()
    assert build.binaries(progress=Progress(again))["tiny"] == path
    assert path.stat().st_mtime_ns == made and again.getvalue() == ""


def test_one_program_of_several_names(module: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is linked once, and each name leads to it and is told by it, also where an earlier build was broken off between the two."""
    told = 'package main\n\nimport "os"\n\nfunc main() { println(os.Args[0]) }\n'
    (recipes.module_folder(module) / "main.go").write_text(told)
    several = replace(module, names=("one", "two"))
    monkeypatch.setattr(recipes, "recipes", lambda version: (several,))
    shown = io.StringIO()
    found = build.binaries(progress=Progress(shown))
    assert sorted(found) == ["one", "two"] and shown.getvalue().count("built in") == 1
    assert "tiny v1.0.0 (one, two)" in shown.getvalue()
    for path in found.values():
        assert subprocess.run([path], capture_output=True, check=True, text=True).stderr == f"{path}\n"
    assert len({path.resolve() for path in found.values()}) == 1
    found["two"].unlink()
    assert build.binaries(progress=Progress(io.StringIO()))["two"].resolve() == found["one"].resolve()
    assert recipes.key(several) == recipes.key(module), "by what names it is started is not what it is made of"


def test_what_kwok_and_the_servers_share_is_compiled_once() -> None:
    """The Go tool takes a package from its cache where all that it is made of has the same versions: KWOK's are those of the
    servers wherever both have a module."""
    servers, kwok = (_required(recipes.GO_FOLDER / name / "go.mod") for name in ("kubernetes", "kwok"))
    shared = servers.keys() & kwok.keys()
    assert {name: kwok[name] for name in shared} == {name: servers[name] for name in shared} and "k8s.io/client-go" in shared


def _required(path: Path) -> dict[str, str]:
    """The versions of a go.mod; of a module that is replaced (the staging ones), the one that it is replaced by."""
    text = path.read_text(encoding="utf-8")
    required = dict(re.findall(r"^\t(\S+) (v\S+)", text, re.MULTILINE))
    return required | dict(re.findall(r"^\t(\S+) => \S+ (v\S+)", text, re.MULTILINE))


def test_another_source_is_another_binary(module: Recipe) -> None:
    first = build.binaries(progress=Progress(io.StringIO()))["tiny"]
    main = recipes.module_folder(module) / "main.go"
    main.write_text(main.read_text().replace("tiny", "other"))
    assert build.binaries(progress=Progress(io.StringIO()))["tiny"] != first


def test_a_broken_build_says_what_the_go_tool_said(module: Recipe) -> None:
    (recipes.module_folder(module) / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(build.BuildError, match="nonsense"):
        build.binaries(progress=Progress(io.StringIO()))


def test_interrupted_it_leaves_nothing_half_done(module: Recipe, tmp_path: Path) -> None:
    """Killed in the middle, it starts that binary anew and never takes a half one for whole."""
    script = (
        "import io, pathlib, sys\n"
        "from tests.controlplane import build, recipes\n"
        "from tests.controlplane.recipes import Recipe\n"
        "recipes.GO_FOLDER = pathlib.Path(sys.argv[1])\n"
        "recipes.recipes = lambda version: (Recipe('tiny', '.', 'tiny', 'v1.0.0'),)\n"
        "build.binaries()\n"
    )
    command = [sys.executable, "-c", script, str(recipes.GO_FOLDER)]
    target = recipes.binary_path(module)
    process = subprocess.Popen(command, cwd=_PROJECT, stderr=subprocess.DEVNULL, env={**os.environ, "GOCACHE": str(tmp_path / "gocache")})
    while not (target.parent / ".lock").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    assert build.binaries(progress=Progress(io.StringIO()))["tiny"].exists()


def test_two_builders_share_the_work(module: Recipe) -> None:
    script = (
        "import pathlib, sys\n"
        "from tests.controlplane import build, recipes\n"
        "from tests.controlplane.recipes import Recipe\n"
        "recipes.GO_FOLDER = pathlib.Path(sys.argv[1])\n"
        "recipes.recipes = lambda version: (Recipe('tiny', '.', 'tiny', 'v1.0.0'),)\n"
        "build.binaries()\n"
    )
    command = [sys.executable, "-c", script, str(recipes.GO_FOLDER)]
    both = [subprocess.Popen(command, cwd=_PROJECT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("built in" in each for each in told) == 1


def test_ready_made_servers_are_used_where_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    apiserver = tmp_path / "kube-apiserver"
    apiserver.write_text("#!/bin/sh\necho Kubernetes v1.37.0\n")
    apiserver.chmod(0o755)
    known = {name: recipe for recipe in recipes.recipes("v1.37.2") for name in recipe.provides}
    told = io.StringIO()
    assert build.supplied(known["kube-apiserver"], "kube-apiserver", Progress(told)) == apiserver
    assert build.supplied(known["etcd"], "etcd", Progress(told)) is None and told.getvalue() == ""
    apiserver.write_text("#!/bin/sh\necho Kubernetes v1.30.0\n")
    assert build.supplied(known["kube-apiserver"], "kube-apiserver", Progress(told)) is None
    assert "not v1.37.x" in told.getvalue()


def test_without_go_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **kw: None)
    with pytest.raises(build.BuildError, match="needs Go"):
        build.go_tool()
