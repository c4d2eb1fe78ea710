"""``kubectl pets dns`` and ``dns explain``, whole screens."""

import json
from datetime import timedelta

import pytest
import yaml
from hypothesis import given, settings
from msgspec.structs import replace

from kubectl_pets.domain.dns.answers import ServerAnswers
from kubectl_pets.domain.dns.reasons import Check, Diagnosis, Link, LinkSkip, NameFinding, NameLine, NameVerdict, Reason, State
from kubectl_pets.views.dns import documents as dns_documents
from kubectl_pets.views.dns import lines as dns_log
from kubectl_pets.views.dns import table as dns
from kubectl_pets.views.dns import words as dns_words
from kubectl_pets.views.text.ink import bare
from tests.domain.dns.builders import NOW, network, pod, service
from tests.domain.dns.test_diagnosis import BEFORE, FAULTS, HEALTHY, JUST_READY, line_of, look
from tests.views.screens import screen
from tests.views.test_claims_hostile import _poisoned
from tests.views.test_hostile import ENCODABLE, HOSTILE

CACHED = look(JUST_READY, knows=[JUST_READY, BEFORE])


def test_all_is_right() -> None:
    assert dns.table(look(HEALTHY, knows=[HEALTHY, HEALTHY])) == screen(
        """
        NAME                 EXPECTED      ENDPOINTSLICE   COREDNS-0     COREDNS-1     VERDICT   REASON
        web-0                10.0.0.10     10.0.0.10       10.0.0.10     10.0.0.10     right     -
        web-1                10.0.0.11     10.0.0.11       10.0.0.11     10.0.0.11     right     -
        web-2                10.0.0.12     10.0.0.12       10.0.0.12     10.0.0.12     right     -
        nginx                3 addresses   3 ready         3 addresses   3 addresses   right     -
        _http._tcp.nginx     3 targets     -               3 targets     3 targets     right     -
        PTR of 3 addresses   3 names       -               3 of 3        3 of 3        right     -
        """
    )


def test_a_negative_cache_while_watching() -> None:
    after = {line.name.name: timedelta(seconds=12) if line.right else None for line in CACHED.lines}
    assert dns.table(CACHED, headers=False, after=after) == screen(
        """
        web-0                10.0.0.10     10.0.0.10   10.0.0.10     10.0.0.10                12s   right     -
        web-1                10.0.0.11     10.0.0.11   10.0.0.11     NXDOMAIN                 -     missing   kube-system/coredns-1: may have cached that there was no such name (NXDOMAIN), until 12:00:30 at the latest
        web-2                10.0.0.12     10.0.0.12   10.0.0.12     10.0.0.12                12s   right     -
        nginx                3 addresses   3 ready     3 addresses   A: 10.0.0.10,10.0.0.12   -     wrong     kube-system/coredns-1: leaves out 10.0.0.11, which is older than the EndpointSlices, until 12:00:30 at the latest
        _http._tcp.nginx     3 targets     -           3 targets     2 targets                -     wrong     kube-system/coredns-1: leaves out 8080 web-1.nginx.prod.svc.cluster.local, which is older than the EndpointSlices, unti…
        PTR of 3 addresses   3 names       -           3 of 3        2 of 3                   -     missing   kube-system/coredns-1: may have cached that there was no such name (NXDOMAIN), until 12:00:30 at the latest
        """
    )


def test_wide() -> None:
    found = network(pod(0, "10.0.0.1", "fd00::1"), services=(service(ports=(), families=("IPv4", "IPv6")),))
    assert dns.table(look(found), wide=True) == screen(
        """
        NAME                                                                       EXPECTED                             ENDPOINTSLICE      COREDNS-0                      VERDICT   REASON   SLICES
        web-0.nginx.prod.svc.cluster.local                                         10.0.0.1,fd00::1                     10.0.0.1,fd00::1   10.0.0.1 (30s),fd00::1 (30s)   right     -        nginx-ipv4-0, nginx-ipv6-0
        nginx.prod.svc.cluster.local                                               10.0.0.1,fd00::1                     2 ready            10.0.0.1 (30s),fd00::1 (30s)   right     -        nginx-ipv4-0, nginx-ipv6-0
        1.0.0.10.in-addr.arpa                                                      web-0.nginx.prod.svc.cluster.local   -                  1 name (30s)                   right     -        nginx-ipv4-0, nginx-ipv6-0
        1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa   web-0.nginx.prod.svc.cluster.local   -                  1 name (30s)                   right     -        nginx-ipv4-0, nginx-ipv6-0
        """
    )


def test_slices_that_do_not_fit() -> None:
    shown = [dns.table(look(FAULTS[fault][0]), headers=False).splitlines()[1] for fault in ("unready", "other subdomain", "other hostname", "old slice")]
    assert "10.0.0.11 (not ready)" in shown[0] and "10.0.0.11 (no hostname)" in shown[1] and "10.0.0.11 (hostname db)" in shown[2]
    assert "10.0.0.91" in shown[3]


def test_without_servers() -> None:
    seen = look(HEALTHY, knows=())
    assert dns.table(seen) == screen(
        """
        NAME                 EXPECTED      ENDPOINTSLICE   VERDICT        REASON
        web-0                10.0.0.10     10.0.0.10       not resolved   -
        web-1                10.0.0.11     10.0.0.11       not resolved   -
        web-2                10.0.0.12     10.0.0.12       not resolved   -
        nginx                3 addresses   3 ready         not resolved   -
        _http._tcp.nginx     3 targets     -               not resolved   -
        PTR of 3 addresses   3 names       -               not resolved   -
        """
    )
    assert dns.total(seen) == (
        "nothing was resolved: there are no DNS pods to ask (--dns-selector, --dns-server); what is expected is compared with the "
        "EndpointSlices only; cluster domain cluster.local, from the Corefile"
    )
    assert dns.headline(seen) == "prod/web: web-0 is not resolved"


def denied(heard: ServerAnswers) -> ServerAnswers:
    return replace(heard, answers=(), trouble="forbidden", missing_right=("create", "pods/portforward"))


def test_the_total_names_missing_rights_troubles_and_what_is_worth_knowing() -> None:
    seen = look(HEALTHY, hear=denied)
    assert "COREDNS" not in dns.table(seen)
    assert "no server could be asked" in dns.total(seen) and "not checked: needs create pods/portforward" in dns.total(seen)
    unread = look(replace(HEALTHY, slices=None), corefile=None, hear=lambda heard: replace(heard, trouble="reset by peer"))
    assert dns.total(unread).splitlines()[1:] == ["not checked: needs list endpointslices.discovery.k8s.io", "coredns-0: reset by peer"]
    assert "the usual one; nothing that could be read says so" in dns.total(unread)
    assert "?" in dns.table(unread)
    other = look(network(pod(0), services=(service(), service("web"))))
    assert dns.total(other).splitlines() == [
        "4 of 4 names right at 1 server; cluster domain cluster.local, from the Corefile",
        "note: Service web has the same pods, but no names for them: only spec.serviceName's Service has",
    ]


# --- one pod -----------------------------------------------------------------------------------------------------------------


def test_explain_a_deadlock() -> None:
    seen = look(FAULTS["all unready"][0])
    assert dns.explain(seen, line_of(seen)) == screen(
        """
        prod/web-1  missing
        │  web-1.nginx.prod.svc.cluster.local
        │  expected none, cluster domain cluster.local, from the Corefile
        ├─ ✔ pod             the pod is there and has an address
        ├─ ✔ service name    the set names a Service
        ├─ ✔ service         there is such a Service
        ├─ ✔ headless        the Service gives its pods names
        ├─ ✔ selector        the Service selects the pod
        ├─ ✔ identity        the pod has the hostname and subdomain that its name is made of
        ├─ ✘ ready           no pod is Ready, so none has a name; if they need each other's names for that, they wait for ever (containers with unready status: [app])
        ├─ ✔ family          the Service takes addresses of the pod's family
        ├─ ○ endpoint slice  not checked: an earlier link has to hold first
        ├─ ✔ corefile        the Corefile hides nothing of it
        ├─ ○ servers         not checked: an earlier link has to hold first
        ├─ ○ client          not checked: no pod was looked from (--from POD)
        ├─ EndpointSlices
        │  └─ nginx-ipv4-0: 10.0.0.11 (not ready)
        ├─ Servers
        │  └─ kube-system/coredns-0: A: NXDOMAIN (30s), AAAA: NXDOMAIN (30s)
        └─ What to do
           ├─ see why: kubectl describe pod web-1 -n prod
           └─ give pods names before they are Ready: kubectl patch service nginx -p '{"spec":{"publishNotReadyAddresses":true}}' -n prod
        """
    )


def test_explain_where_little_may_be_read() -> None:
    seen = look(replace(HEALTHY, slices=None, services=None), corefile=None, hear=denied, knows=[HEALTHY])
    assert dns.explain(seen, line_of(seen), width=90) == screen(
        """
        prod/web-1  unknown
        │  web-1.nginx.prod.svc.cluster.local
        │  expected ?, cluster domain cluster.local, the usual one; nothing that could be read sa…
        ├─ ✔ pod             the pod is there and has an address
        ├─ ✔ service name    the set names a Service
        ├─ ○ service         not checked: could not be read (needs list services)
        ├─ ○ headless        not checked: an earlier link has to hold first
        ├─ ○ selector        not checked: an earlier link has to hold first
        ├─ ○ identity        not checked: an earlier link has to hold first
        ├─ ○ ready           not checked: an earlier link has to hold first
        ├─ ○ family          not checked: an earlier link has to hold first
        ├─ ○ endpoint slice  not checked: an earlier link has to hold first
        ├─ ○ corefile        not checked: could not be read (needs get configmaps)
        ├─ ○ servers         not checked: no server was asked (needs create pods/portforward)
        ├─ ○ client          not checked: no pod was looked from (--from POD)
        ├─ EndpointSlices
        │  └─ could not be read
        ├─ Servers
        │  └─ kube-system/coredns-0: forbidden
        └─ What to do
           ├─ see whether you may: kubectl auth can-i list services
           ├─ see whether you may: kubectl auth can-i list endpointslices.discovery.k8s.io
           └─ see whether you may: kubectl auth can-i create pods/portforward
        """
    )


def test_each_server_s_failing_has_a_line_of_its_own() -> None:
    findings = tuple(NameFinding(reason=Reason.SERVER_SILENT, server=f"kube-system/coredns-{number}") for number in range(2))
    line = line_of(CACHED)
    links = tuple(replace(link, findings=findings) if link.check is Check.SERVERS else link for link in line.links)
    shown = dns.explain(CACHED, replace(line, links=links)).splitlines()
    at = next(index for index, text in enumerate(shown) if "✘ servers" in text)
    assert shown[at + 1].startswith("│  ") and shown[at].index("kube-system/coredns-0: ") == shown[at + 1].index("kube-system/coredns-1: ")


def test_colour_is_only_added() -> None:
    for seen in (CACHED, look(FAULTS["unready"][0])):
        assert bare(dns.table(seen, colour=True)) == dns.table(seen)
        assert bare(dns.explain(seen, line_of(seen), colour=True)) == dns.explain(seen, line_of(seen))


# --- the log -----------------------------------------------------------------------------------------------------------------


def test_the_log_tells_what_changed() -> None:
    before, seen = CACHED, look(JUST_READY, knows=[JUST_READY, JUST_READY])
    after = {line.name.name: timedelta(seconds=7) if not was.right else timedelta(0) for line, was in zip(seen.lines, before.lines, strict=True)}
    assert len(dns_log.changes(None, before, {}, NOW)) == len(before.lines)
    assert dns_log.changes(before, before, {}, NOW) == []
    assert dns_log.changes(before, seen, after, NOW)[:2] == [
        "2026-03-01T12:00:00Z web-1.nginx.prod.svc.cluster.local right after 7s",
        "2026-03-01T12:00:00Z nginx.prod.svc.cluster.local right after 7s",
    ]


# --- documents ---------------------------------------------------------------------------------------------------------------


def test_documents() -> None:
    document = json.loads(dns_documents.one(CACHED, "json"))
    assert yaml.safe_load(dns_documents.one(CACHED, "yaml"))["kind"] == document["kind"] == "DnsDiagnosis"
    assert document["clusterDomain"] == {"name": "cluster.local", "source": "corefile"}
    assert (document["right"], document["resolved"], document["missingRights"]) == (False, True, [])
    assert [server["name"] for server in document["servers"]] == ["coredns-0", "coredns-1"]
    web_1 = document["names"][1]
    assert (web_1["verdict"], web_1["expected"], web_1["ordinal"]) == ("missing", ["10.0.0.11"], 1)
    assert web_1["reason"] == {
        "reason": "negative-cache", "subject": None, "detail": "NXDOMAIN", "server": "kube-system/coredns-1", "until": "2026-03-01T12:00:30Z",
    }
    assert [answer["standing"] for answer in web_1["answers"]] == ["right", "missing"]
    assert [link["check"] for link in web_1["links"]] == [check.value for check in Check]
    unread = json.loads(dns_documents.one(look(replace(HEALTHY, slices=None, services=None), knows=()), "json"))
    assert unread["names"][0]["expected"] is None and unread["names"][0]["endpoints"] is None
    assert unread["missingRights"][0] == {"verb": "list", "resource": "services"}


# --- words -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_that_name_what_it_is_about(reason: Reason) -> None:
    text = dns_words.finding(NameFinding(reason=reason, subject="s", detail="d", server="kube-system/coredns-0", until=NOW))
    assert text.startswith("kube-system/coredns-0: ") and text.endswith(", until 12:00:00 at the latest")
    for fix in dns_words.fixes(NameFinding(reason=reason, subject="s", server="kube-system/coredns-0"), "web-0", CACHED):
        assert "kubectl" in fix


def test_every_check_verdict_and_skip_has_words() -> None:
    for check in Check:
        assert dns_words.link(Link(check=check, state=State.PASSED))
        for skip in LinkSkip:
            (text,) = dns_words.link(Link(check=check, state=State.SKIPPED, skip=skip, right=("get", "x")))
            assert text.startswith("not checked: ")
    assert len({dns_words.verdict(verdict) for verdict in NameVerdict}) == len(NameVerdict)


# --- whatever a cluster or a server says -----------------------------------------------------------------------------------------


def poisoned(text: str) -> Diagnosis:
    seen: Diagnosis = _poisoned(CACHED, text)
    worst = tuple(NameFinding(reason=reason, subject=text, detail=text, server=text) for reason in Reason)
    link = Link(check=Check.SERVERS, state=State.FAILED, findings=worst, remarks=worst)
    lines = tuple(replace(line, links=(*line.links, link)) if line.links else line for line in seen.lines)
    return replace(seen, lines=lines, remarks=worst, missing_rights=((text, text),))


def screens(seen: Diagnosis) -> list[str]:
    pods: list[NameLine] = [line for line in seen.lines if line.links]
    shown = [dns.table(seen), dns.table(seen, wide=True), dns.total(seen), dns.headline(seen), *(dns.explain(seen, line) for line in pods)]
    shown += [fix for finding in seen.remarks for fix in dns_words.fixes(finding, seen.set, seen)]
    return shown + dns_log.changes(None, seen, {}, NOW)


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
def test_no_control_character_comes_out_and_no_line_is_broken(text: str) -> None:
    harmless = screens(poisoned("é/é" if "/" in text else "é"))  # of a server that is a pod there is a line more
    for shown, usual in zip(screens(poisoned(text)), harmless, strict=True):
        assert not [character for character in shown if not (character.isprintable() or character == "\n")], shown
        assert shown.count("\n") == usual.count("\n"), shown


@settings(deadline=None, max_examples=60)
@given(ENCODABLE)
def test_no_control_character_comes_out_of_a_document(text: str) -> None:
    for output in ("json", "yaml"):
        assert dns_documents.one(poisoned(text), output).replace("\n", "").isprintable()
