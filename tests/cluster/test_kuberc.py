"""kuberc: which file counts, and what of it is obeyed; what kubectl makes of each is in tests/parity."""

from pathlib import Path

import pytest

from kubectl_pets.cluster.access.kuberc import Policy, load
from kubectl_pets.errors import ConfigError, CredentialPluginError

_HEAD = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_the_flag_beats_the_variable_and_the_variable_beats_the_home(tmp_path: Path) -> None:
    home = written(tmp_path / ".kube" / "kuberc", _HEAD + "credentialPluginPolicy: DenyAll\n")
    variable = written(tmp_path / "variable", _HEAD + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: a}]\n")
    flag = written(tmp_path / "flag", _HEAD)
    environ = {"HOME": str(tmp_path)}
    assert load(None, environ, pytest.fail) == Policy((), home)
    assert load(None, environ | {"KUBERC": variable}, pytest.fail) == Policy(("a",), variable)
    assert load(flag, environ | {"KUBERC": variable}, pytest.fail) == Policy()
    assert load(None, environ | {"KUBERC": "off"}, pytest.fail) == Policy()
    assert load(None, {"HOME": str(tmp_path / "none")}, pytest.fail) == Policy()


def test_what_is_at_home_and_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / ".kube" / "kuberc", "{{{")
    told: list[str] = []
    assert load(None, {"HOME": str(tmp_path)}, told.append) == Policy()
    assert len(told) == 1 and told[0].startswith(f"warning: the kuberc {path} has no Preference")


@pytest.mark.parametrize("text", ["{{{", "a: 1", _HEAD + "credentialPluginPolicy: [DenyAll]", _HEAD.replace("v1beta1", "v9")])
def test_one_that_was_asked_for_must_be_usable(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "kuberc", text)
    with pytest.raises(ConfigError, match=f"the kuberc {path} has no Preference"):
        load(path, {}, pytest.fail)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("credentialPluginPolicy: Deny\n", "'Deny' is none of"),
        ("credentialPluginPolicy: Allowlist\n", "names no plugin"),
        ("credentialPluginAllowlist: [{command: a}]\n", "is not set"),
        ("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: a}, {}]\n", "has no command"),
        ("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: /a/../b}]\n", "shortest path"),
    ],
)
def test_a_policy_that_makes_no_sense_is_an_error_wherever_it_stands(tmp_path: Path, text: str, said: str) -> None:
    written(tmp_path / ".kube" / "kuberc", _HEAD + text)
    with pytest.raises(ConfigError, match=said):
        load(None, {"HOME": str(tmp_path)}, pytest.fail)


@pytest.mark.parametrize(
    ("allowed", "command", "runs"),
    [
        (None, "any", True),
        ((), "any", False),
        (("login",), "login", True),
        (("PATH/login",), "login", True),
        (("login",), "PATH/login", True),
        (("other",), "login", False),
        (("login",), "/elsewhere/login", False),
        (("/elsewhere/login",), "login", False),
    ],
)
def test_a_plugin_is_known_by_its_name_or_by_the_file_that_it_is(
    tmp_path: Path, allowed: tuple[str, ...] | None, command: str, runs: bool
) -> None:
    written(tmp_path / "login", "#!/bin/sh\n")
    (tmp_path / "login").chmod(0o755)
    policy = Policy(allowed and tuple(each.replace("PATH", str(tmp_path)) for each in allowed), "kuberc")
    command = command.replace("PATH", str(tmp_path))
    program = command if "/" in command else str(tmp_path / "login")
    if runs:
        policy.check(command, program, str(tmp_path))
    else:
        with pytest.raises(CredentialPluginError, match="may not run: kuberc does not allow it"):
            policy.check(command, program, str(tmp_path))
