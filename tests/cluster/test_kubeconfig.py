"""Kubeconfig files: found, merged and understood as kubectl does, and told apart when they are wrong."""

import os
from pathlib import Path

import pytest

from kubectl_pets.cluster.access import kubeconfig as reading
from kubectl_pets.cluster.access.kubeconfig import load
from kubectl_pets.errors import ConfigError
from tests.cluster.conftest import kubeconfig, write


def test_the_first_file_that_says_something_wins(tmp_path: Path) -> None:
    one = write(tmp_path / "one.yaml", kubeconfig("http://one", name="a"))
    two_config = kubeconfig("http://two", name="a")
    two_config["current-context"] = "b"
    two_config["clusters"].append({"name": "b", "cluster": {"server": "http://two-b"}})
    two = write(tmp_path / "two.yaml", two_config)
    merged = load(None, {"KUBECONFIG": f"{one}{os.pathsep}{two}"})
    assert merged.current_context == "a"
    assert merged.clusters["a"].server == "http://one"
    assert merged.clusters["b"].server == "http://two-b"
    turned = load(None, {"KUBECONFIG": f"{two}{os.pathsep}{one}"})
    assert (turned.current_context, turned.clusters["a"].server) == ("b", "http://two")


def test_files_of_the_variable_that_are_missing_or_empty_are_skipped(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    real = write(tmp_path / "real.yaml", kubeconfig("http://real"))
    merged = load(None, {"KUBECONFIG": os.pathsep.join([str(tmp_path / "none"), "", str(empty), str(real), str(real)])})
    assert merged.clusters["here"].server == "http://real"


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no kubeconfig at .*none"):
        load(str(tmp_path / "none"), {})


def test_the_flag_beats_the_variable_and_the_variable_beats_the_home(tmp_path: Path) -> None:
    home = write(tmp_path / "home" / ".kube" / "config", kubeconfig("http://home"))
    variable = write(tmp_path / "variable.yaml", kubeconfig("http://variable"))
    flag = write(tmp_path / "flag.yaml", kubeconfig("http://flag"))
    assert load(None, {}).clusters["here"].server == "http://home"
    assert load(None, {}).sources == (str(home),)
    assert load(None, {"KUBECONFIG": str(variable)}).clusters["here"].server == "http://variable"
    assert load(str(flag), {"KUBECONFIG": str(variable)}).clusters["here"].server == "http://flag"


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    cluster = {"certificate-authority": "ca.crt"}
    me = {
        "client-certificate": "../me.crt",
        "client-key": "/etc/me.key",
        "tokenFile": "token",
        "exec": {"command": "./bin/plugin", "apiVersion": "client.authentication.k8s.io/v1"},
    }
    path = write(tmp_path / "sub" / "config", kubeconfig(cluster=cluster, user=me))
    merged = load(None, {"KUBECONFIG": str(path)})
    assert merged.clusters["here"].certificate_authority == str(tmp_path / "sub" / "ca.crt")
    user = merged.users["here"]
    assert (user.client_certificate, user.client_key) == (str(tmp_path / "me.crt"), "/etc/me.key")
    assert user.token_file == str(tmp_path / "sub" / "token")
    assert user.exec is not None and user.exec.command == str(tmp_path / "sub" / "bin" / "plugin")


def test_a_plugin_named_without_a_path_is_left_to_PATH(tmp_path: Path) -> None:
    plugin = {"command": "kubelogin", "apiVersion": "client.authentication.k8s.io/v1"}
    path = write(tmp_path / "config", kubeconfig(user={"exec": plugin}))
    found = load(str(path), {}).users["here"].exec
    assert found is not None and found.command == "kubelogin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users:\n- name: a\n  user: {token: s3cret-token\nb", r"is not valid YAML \(line"),
        ("users:\n- name: a\n  user:\n    token: [s3cret-token]", r"cannot be understood: Expected `str . null`, got `array`"),
        ("users: s3cret-token", r"cannot be understood"),
        ("- s3cret-token", r"cannot be understood"),
        ("users:\n- name: a\n  user:\n    token: !!int s3cret-token", r"is not valid YAML"),
    ],
)
def test_a_file_that_is_wrong_is_named_without_a_word_from_it(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load(str(path), {})
    assert "s3cret" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(str(tmp_path), {})


def test_nulls_and_unknown_keys_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters: null\nusers: []\npreferences: {colors: true}\ncontexts:\n- {name: a, context: {cluster: b, new: 1}}")
    assert load(str(path), {}).contexts["a"].cluster == "b"


def test_a_wrong_name_is_answered_with_the_names_there_are_nearest_first() -> None:
    with pytest.raises(ConfigError, match="no context named 'prod-erope'") as caught:
        reading.choose({"alpha": 1, "prod-europe": 2, "prod-asia": 3}, "prod-erope", "context", ["f"])
    assert caught.value.hint == "there are: prod-europe, prod-asia, alpha"


def test_a_wrong_name_among_many_gets_ten_of_them() -> None:
    with pytest.raises(ConfigError) as caught:
        reading.choose({f"c{number:02}": 1 for number in range(25)}, "zzz", "context", ["f"])
    assert caught.value.hint is not None and caught.value.hint.endswith("c09 and 15 more")


def test_a_name_where_there_are_none_is_answered_with_the_files() -> None:
    with pytest.raises(ConfigError) as caught:
        reading.choose({}, "a", "user", ["one", "two"])
    assert caught.value.hint == "there are no users at all in one, two"
