"""Corefiles as clusters have them, and as they should not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.dns.corefile import Cache, Settings, read_corefile, read_settings, selects, serves_reverse
from tests.domain.dns.builders import COREFILE


def read(text: str) -> Settings:
    found = read_corefile(text)
    assert found is not None
    return found


def test_as_kubeadm_writes_it() -> None:
    assert read(COREFILE) == Settings(
        zones=("cluster.local",), primary="cluster.local", reverse=("in-addr.arpa", "ip6.arpa"), falls_through=True, ttl=30, cache=Cache(success=30, denial=30)
    )
    assert read(COREFILE).longest_denial == 30


def test_everything_that_hides_names() -> None:
    found = read(
        """
        .:53 {
            kubernetes k8s.example.ORG. cluster.local 10.0.0.0/8 {
                namespaces one two
                labels env in (test), tier=db
                endpoint_pod_names
                noendpoints
                ignore empty_service
            }
            cache 60 {
                success 5000 3600 30
                denial 2500 10
                serve_stale
            }
        }
        """
    )
    assert found.zones == ("k8s.example.org", "cluster.local") and found.zone == "cluster.local"
    assert found.primary == "k8s.example.org"  # in which PTR names are told
    assert found.reverse == ("10.0.0.0/8",)
    assert found.namespaces == ("one", "two") and found.labels == "env in (test), tier=db"
    assert found.endpoint_pod_names and found.no_endpoints and found.ignore_empty_service and not found.falls_through
    assert found.cache == Cache(success=3600, denial=10, least_success=30, stale=3600)
    assert found.longest_denial == 5 + 3600  # the TTL of the zone is shorter than what the cache would take


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("cluster.local:53 {\n kubernetes\n}", "cluster.local"),
        ("dns://cluster.local.:1053 {\n kubernetes\n}", "cluster.local"),
        ("a.org, b.org {\n kubernetes\n}", "a.org"),
        ("a.org,\nb.org {\n kubernetes\n}", "a.org"),
        (". {\n kubernetes in-addr.arpa cluster.local\n}", "cluster.local"),
        ('. {\n kubernetes "cluster.local" # the usual\n}', "cluster.local"),
        ("# . { kubernetes wrong.org }\n. {\n kubernetes cluster.local\n}", "cluster.local"),
        (". {\n kubernetes {$DOMAIN} spare.org\n}", "spare.org"),
        ("(common) {\n kubernetes cluster.local {\n  ttl 7\n }\n}\n. {\n import common\n}", "cluster.local"),
        ("example.org {\n forward . 8.8.8.8 {\n  max_fails 0\n }\n}\n. {\n kubernetes cluster.local {\n pods verified\n }\n}", "cluster.local"),
        (". {\r\n kubernetes cluster.local\r\n}\r\n", "cluster.local"),
    ],
)
def test_the_zone(text: str, zone: str) -> None:
    assert read(text).zone == zone


@pytest.mark.parametrize(
    "text",
    ["", "{", "}", "}}}", ". {", ". {\n forward . 1.1.1.1\n}", ".:53 {\n kubernetes\n}", "(a) {\n import a\n}\n. {\n import a\n}", ". {\n kubernetes {$ZONE}\n}"],
)
def test_what_names_no_zone(text: str) -> None:
    assert read_corefile(text) is None


def test_other_blocks() -> None:
    found = read(COREFILE + "\nconsul.local {\n forward . 10.0.0.1\n}\nprod.svc.cluster.local:53 {\n file db\n}\n")
    assert found.elsewhere_for("web-0.nginx.prod.svc.cluster.local") == "prod.svc.cluster.local"
    assert found.elsewhere_for("web-0.nginx.test.svc.cluster.local") == ""
    stray = "\nlocal {\n forward . 10.0.0.1\n}\n"
    assert read(COREFILE + stray).elsewhere_for("web-0.nginx.prod.svc.cluster.local") == "local"  # more than the root's block
    own = read(COREFILE.replace(".:53", "cluster.local:53") + stray)
    assert own.elsewhere_for("web-0.nginx.prod.svc.cluster.local") == ""


def test_the_options_of_an_environment_are_not_known() -> None:
    found = read(". {\n kubernetes cluster.local {\n ttl {$TTL}\n }\n cache {%TTL%}\n}")
    assert found.ttl == 5 and found.cache == Cache()


def test_without_a_cache_nothing_is_denied_for_long() -> None:
    assert read(". {\n kubernetes cluster.local\n}").longest_denial == 0


def test_a_short_ttl_is_lengthened_by_the_cache() -> None:
    assert read(". {\n kubernetes cluster.local {\n ttl 0\n }\n cache 30\n}").longest_denial == 5


def test_reverse_zones() -> None:
    assert serves_reverse(read(COREFILE), "1.0.0.10.in-addr.arpa")
    only = read(". {\n kubernetes cluster.local 10.in-addr.arpa fd00::/8\n}")
    assert serves_reverse(only, "1.0.0.10.in-addr.arpa") and not serves_reverse(only, "1.0.168.192.in-addr.arpa")
    assert serves_reverse(only, "1.0.ip6.arpa")


@pytest.mark.parametrize(
    ("selector", "verdict"),
    [("", True), ("a=1", True), ("a==1,b!=3", True), ("a=2", False), ("c!=1", True), ("a in (1)", None), ("!a", None), ("a", None)],
)
def test_label_selectors(selector: str, verdict: bool | None) -> None:
    assert selects(selector, {"a": "1", "b": "2"}) is verdict


@given(st.text(alphabet='{}"#\\\n ()abc.:/$%,', max_size=200))
def test_nothing_written_there_breaks_it(text: str) -> None:
    read_corefile(text)
    read_corefile(". {\n kubernetes cluster.local {\n" + text + "\n}\n" + text)


KUBERNETES = "kubernetes cluster.local in-addr.arpa ip6.arpa {\n ttl 30\n }"


def test_the_usual_zone_comes_before_the_first_of_the_file() -> None:
    text = "legacy.example:53 {\n kubernetes legacy.example\n}\n.:53 {\n kubernetes cluster.local {\n namespaces kube-system\n }\n}\n"
    assert [each.zones for each in read_settings(text)] == [("legacy.example",), ("cluster.local",)]
    assert (read(text).zone, read(text).namespaces) == ("cluster.local", ("kube-system",))
    asked = read_corefile(text, "Legacy.Example.")
    assert asked is not None and (asked.zone, asked.namespaces) == ("legacy.example", ())
    other = read_corefile(text, "neither.example")
    assert other is not None and other.zone == "cluster.local"


def test_a_block_on_another_port_takes_no_names_away() -> None:
    name = "web-0.nginx.prod.svc.cluster.local"
    for key in ("svc.cluster.local:1053", "tls://svc.cluster.local", "tls://svc.cluster.local:853"):
        assert read(f".:53 {{\n {KUBERNETES}\n}}\n{key} {{\n forward . 1.1.1.1\n}}\n").elsewhere_for(name) == ""
    assert read(f".:53 {{\n {KUBERNETES}\n}}\nsvc.cluster.local {{\n forward . 1.1.1.1\n}}\n").elsewhere_for(name) == "svc.cluster.local"
    both = f".:1053 {{\n kubernetes cluster.local {{\n namespaces a\n }}\n}}\n.:53 {{\n {KUBERNETES}\n}}\n"
    assert read(both).namespaces == () and read(both).ports == (53,)


def test_the_zones_of_several_clusters_are_not_the_cluster_s_own() -> None:
    found = read(".:53 {\n kubernetes clusterset.local cluster.local {\n multicluster clusterset.local\n }\n}\n")
    assert (found.zones, found.primary) == (("cluster.local",), "clusterset.local")


def test_two_plugins_in_one_block() -> None:
    text = ".:53 {\n kubernetes a.example\n kubernetes cluster.local in-addr.arpa\n}\n"
    assert [(each.zone, each.reverse) for each in read_settings(text)] == [("a.example", ()), ("cluster.local", ("in-addr.arpa",))]
    assert read(text).zone == "cluster.local"


@pytest.mark.parametrize(
    "text",
    [
        "import /etc/coredns/custom/*.server\ncluster.local:53 {\n kubernetes\n cache 30\n}\n",
        "import custom/*.server\r\n.:53 {\r\n kubernetes cluster.local\r\n}\r\n",
        "import x\n(snip) {\n kubernetes cluster.local\n}\n.:53 {\n import snip\n}\n",
        "\ufeff.:53 {\n kubernetes cluster.local\n}\n",
        ".:53\n{\n kubernetes cluster.local\n}\n",
        ".:53\nkubernetes cluster.local {\n ttl 5\n}\ncache 30\n",
        ".:53\nerrors\nkubernetes cluster.local\n",
        '".:53" { # main\n kubernetes "cluster.local"\n}\n',
    ],
)
def test_files_as_they_are_written(text: str) -> None:
    assert read(text).zone == "cluster.local"


@pytest.mark.parametrize(
    "cache, longest",
    [
        ("cache 30", 30),
        ("cache 30 {\n disable denial\n }", 0),
        ("cache 30 {\n disable denial cluster.local\n }", 0),
        ("cache 30 {\n disable denial example.org\n }", 30),
        ("cache 30 {\n success 9984 30\n denial 9984 7\n }", 7),
        ("cache 3600 example.org", 0),
        ("cache example.org", 0),
        ("cache 20 cluster.local", 20),
        ("cache 30 {\n serve_stale 10m verify\n }", 630),
        ("cache 30 {\n serve_stale 1h30s\n }", 3660),
        ("cache 30 {\n serve_stale\n }", 3630),
    ],
)
def test_for_how_long_a_denial_may_be_cached(cache: str, longest: int) -> None:
    assert read(f".:53 {{\n {KUBERNETES}\n {cache}\n}}\n").longest_denial == longest


def test_namespaces_that_are_shown_line_by_line() -> None:
    assert read(".:53 {\n kubernetes cluster.local {\n namespaces a\n namespaces b c\n }\n}\n").namespaces == ("a", "b", "c")
