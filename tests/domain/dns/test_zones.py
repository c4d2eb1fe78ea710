"""The cluster's domain, and who says so."""

import pytest

from kubectl_pets.domain.dns.corefile import read_corefile
from kubectl_pets.domain.dns.zones import ResolvConf, Zone, ZoneSource, cluster_zone, read_resolv_conf, zone_of
from tests.domain.dns.builders import COREFILE

RESOLV = "search prod.svc.k8s.local svc.k8s.local k8s.local example.org\nnameserver 10.96.0.10\noptions ndots:5\n"


def test_the_surest_source_counts() -> None:
    settings = read_corefile(COREFILE)
    assert cluster_zone("K8s.Example.org.", settings, RESOLV) == Zone(name="k8s.example.org", source=ZoneSource.GIVEN)
    assert cluster_zone("", settings, RESOLV) == Zone(name="k8s.local", source=ZoneSource.RESOLV_CONF)  # what pods really ask
    assert cluster_zone("", settings, None) == Zone(name="cluster.local", source=ZoneSource.COREFILE)
    assert cluster_zone("", None, RESOLV) == Zone(name="k8s.local", source=ZoneSource.RESOLV_CONF)
    for unknown in (None, "", "search example.org\n", "search svc.cluster.org prod.svc.cluster.org\n".replace("svc.cluster.org prod", "prod")):
        assert cluster_zone("", None, unknown) == Zone(name="cluster.local", source=ZoneSource.DEFAULT)


@pytest.mark.parametrize(
    ("text", "conf"),
    [
        (RESOLV, ResolvConf(nameservers=("10.96.0.10",), search=("prod.svc.k8s.local", "svc.k8s.local", "k8s.local", "example.org"), ndots=5)),
        ("", ResolvConf()),
        ("search a\ndomain b.\n# search c\n; search d\nnameserver ::1 # here\nnameserver\n", ResolvConf(nameservers=("::1",), search=("b",))),
        ("options ndots:99 rotate\noptions timeout:1\n", ResolvConf(ndots=15)),
        ("options ndots:" + "9" * 5000, ResolvConf()),
    ],
)
def test_resolv_conf(text: str, conf: ResolvConf) -> None:
    assert read_resolv_conf(text) == conf


def test_a_node_s_own_list_names_no_cluster() -> None:
    for text in ("search svc.example.org", "search example.org", "search svc.a.org a.net", "search svc.a.org a.org", "search x.svc.a.org a.org svc.a.org"):
        assert zone_of(read_resolv_conf(text)) is None
