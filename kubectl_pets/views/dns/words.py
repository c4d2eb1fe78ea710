"""The words for names in DNS: what a link of the chain asserts, why it does not hold, and what to type then.

One sentence for each reason, the same in the table's last column and in the tree that explains a pod. All matches are exhaustive:
a new reason, check or verdict without words does not pass mypy.
"""

from collections.abc import Iterator
from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.dns.network import KEEPER_LABEL
from kubectl_pets.domain.dns.reasons import Check, Diagnosis, Link, LinkSkip, NameFinding, NameVerdict, Reason, State
from kubectl_pets.domain.dns.zones import Zone, ZoneSource
from kubectl_pets.pasting import kubectl, pets
from kubectl_pets.views.text.ink import Ink

GLYPHS = {State.PASSED: ("✔", Ink.GOOD), State.FAILED: ("✘", Ink.BAD), State.SKIPPED: ("○", Ink.BUSY)}


def verdict(found: NameVerdict) -> str:
    match found:
        case NameVerdict.RIGHT | NameVerdict.MISSING | NameVerdict.WRONG | NameVerdict.FAILING | NameVerdict.UNKNOWN:
            return found.value
        case NameVerdict.ABSENT:
            return "none expected"
        case NameVerdict.NOT_SEEN:
            return "not seen"
        case NameVerdict.NOT_RESOLVED:
            return "not resolved"
        case _:
            assert_never(found)


def verdict_ink(found: NameVerdict) -> Ink:
    match found:
        case NameVerdict.RIGHT | NameVerdict.ABSENT:
            return Ink.GOOD
        case NameVerdict.MISSING | NameVerdict.WRONG | NameVerdict.FAILING | NameVerdict.NOT_SEEN:
            return Ink.BAD
        case NameVerdict.NOT_RESOLVED | NameVerdict.UNKNOWN:
            return Ink.BUSY
        case _:
            assert_never(found)


def zone(found: Zone) -> str:
    match found.source:
        case ZoneSource.GIVEN:
            origin = "as given"
        case ZoneSource.COREFILE:
            origin = "from the Corefile"
        case ZoneSource.RESOLV_CONF:
            origin = "from a pod's resolv.conf"
        case ZoneSource.DEFAULT:
            origin = "the usual one; nothing that could be read says so"
        case _:
            assert_never(found.source)
    return f"cluster domain {clean(found.name)}, {origin}"


def right(missing: tuple[str, str]) -> str:
    return " ".join(map(clean, missing))


def check(found: Check) -> str:
    return found.value.replace("-", " ")


# --- links -------------------------------------------------------------------------------------------------------------------


def link(found: Link) -> tuple[str, ...]:
    """What became of one check of the chain, a line each."""
    match found.state:
        case State.PASSED:
            lines: tuple[str, ...] = (_holds(found.check),)
        case State.FAILED:
            lines = tuple(finding(each) for each in found.findings)
        case State.SKIPPED:
            lines = (f"not checked: {_skipped(found)}",)
        case _:
            assert_never(found.state)
    return (*lines, *(finding(each) for each in found.remarks))


def _holds(found: Check) -> str:
    match found:
        case Check.POD:
            return "the pod is there and has an address"
        case Check.SERVICE_NAME:
            return "the set names a Service"
        case Check.SERVICE:
            return "there is such a Service"
        case Check.HEADLESS:
            return "the Service gives its pods names"
        case Check.SELECTOR:
            return "the Service selects the pod"
        case Check.IDENTITY:
            return "the pod has the hostname and subdomain that its name is made of"
        case Check.READY:
            return "the pod is Ready, or the Service does not mind"
        case Check.FAMILY:
            return "the Service takes addresses of the pod's family"
        case Check.SLICE:
            return "the EndpointSlices hold the pod's address and hostname"
        case Check.COREFILE:
            return "the Corefile hides nothing of it"
        case Check.SERVERS:
            return "every server answers with exactly these addresses"
        case Check.CLIENT:
            return "the pod that was looked from sees the same"
        case _:
            assert_never(found)


def _skipped(found: Link) -> str:
    assert found.skip is not None
    needed = f" (needs {right(found.right)})" if found.right else ""
    match found.skip:
        case LinkSkip.UNREADABLE:
            return f"could not be read{needed}"
        case LinkSkip.MOOT:
            return "an earlier link has to hold first"
        case LinkSkip.NOT_ASKED:
            return ("no pod was looked from (--from POD)" if found.check is Check.CLIENT else "no server was asked") + needed
        case LinkSkip.UNDECIDED:
            return "what could be read does not tell"
        case _:
            assert_never(found.skip)


# --- reasons -----------------------------------------------------------------------------------------------------------------


def finding(found: NameFinding) -> str:
    """The reason as a sentence, with the server that it is about and until when it may last."""
    text = _reason(found, clean(found.subject), clean(found.detail))
    if found.server:
        text = f"{clean(found.server)}: {text}"
    return f"{text}, until {found.until:%H:%M:%S} at the latest" if found.until else text


def _reason(found: NameFinding, subject: str, detail: str) -> str:
    match found.reason:
        case Reason.POD_ABSENT:
            return f"the set has no pod {subject}"
        case Reason.NAME_NO_LABEL:
            return f"{subject} has dots or more than 63 characters, so the API server refuses such pods"
        case Reason.LABEL_TOO_LONG:
            return (
                f"the pod's label controller-revision-hash would be {subject}, which has more than 63 characters, "
                "so the API server refuses such pods: the set's name is too long"
            )
        case Reason.POD_OVER:
            return f"the pod has ended ({detail})"
        case Reason.POD_TERMINATING:
            return "the pod is on its way out"
        case Reason.POD_WITHOUT_ADDRESS:
            return "the pod has no address yet" + (f" ({detail})" if detail else "")
        case Reason.SERVICE_NAME_EMPTY:
            return "the set names no Service (spec.serviceName), so its pods have no names"
        case Reason.SERVICE_MISSING:
            meant = f"; {detail} may be meant, but pods keep the name that they were made with" if detail else ""
            return f"there is no Service {subject}{meant}"
        case Reason.EXTERNAL_NAME:
            return f"Service {subject} is an alias (ExternalName {detail}), which has no pods"
        case Reason.NOT_HEADLESS:
            return f"Service {subject} is not headless ({detail or 'no address'}): nothing promises names of pods then"
        case Reason.SELECTOR_DIFFERS:
            return f"the Service selects {subject}, the pod has {detail or 'no such label'}"
        case Reason.NO_SELECTOR:
            return f"Service {subject} has no selector, and nobody wrote the pod into its EndpointSlices"
        case Reason.SUBDOMAIN_DIFFERS:
            return f"the pod was made with subdomain {detail or '(none)'}, its Service is {subject}"
        case Reason.HOSTNAME_DIFFERS:
            return f"the pod's hostname is {detail}, not {subject}"
        case Reason.NOT_READY:
            return "the pod is not Ready" + (f": {detail}" if detail else "")
        case Reason.NOT_READY_DEADLOCK:
            waits = "no pod is Ready, so none has a name; if they need each other's names for that, they wait for ever"
            return waits + (f" ({detail})" if detail else "")
        case Reason.FAMILY_NOT_SERVED:
            return f"the Service takes {subject} only, the pod has {detail}"
        case Reason.SLICE_LACKS:
            return f"no EndpointSlice holds {detail} yet"
        case Reason.SLICE_OLD:
            return f"EndpointSlice {subject} still holds {detail} of an earlier pod"
        case Reason.SLICE_BY_HAND:
            return f"EndpointSlice {subject} has {detail} under a pod's name, written by hand: no controller takes it out"
        case Reason.SLICE_OF_OTHERS:
            return f"{detail} has this name, too, in an EndpointSlice that {subject} keeps"
        case Reason.NAME_SHARED:
            return f"pod {subject} has the same hostname and subdomain, so its {detail} has this name, too"
        case Reason.SLICE_NOT_READY:
            return f"EndpointSlice {subject} still has {detail} as not ready"
        case Reason.SLICE_NO_HOSTNAME:
            return f"EndpointSlice {subject} has {detail} without the pod's hostname"
        case Reason.HIDDEN_NAMESPACE:
            return f"the Corefile shows the namespaces {detail} only"
        case Reason.HIDDEN_LABELS:
            return f"the Corefile shows Services labelled {detail} only"
        case Reason.HIDDEN_ENDPOINTS:
            return "the Corefile has noendpoints, so no pod has a name"
        case Reason.HIDDEN_ELSEWHERE:
            return f"the Corefile sends names in {detail} to another server block"
        case Reason.OTHER_ZONE:
            return f"the Corefile has {detail}, not {subject}"
        case Reason.SERVER_SILENT:
            return "no answer" + (f" ({detail})" if detail else "")
        case Reason.SERVERS_NOT_READY:
            return "no DNS pod that was asked is Ready, so their Service leads nobody to them"
        case Reason.SERVER_FAILING:
            return f"answers {detail}"
        case Reason.NEGATIVE_CACHE:
            return f"may have cached that there was no such name ({detail})"
        case Reason.STALE_ANSWER:
            return f"{_difference(subject, detail)}, which is older than the EndpointSlices"
        case Reason.SERVER_BEHIND:
            return f"answers {detail} although the EndpointSlices have it: the server does not see them, or hides them"
        case Reason.WRONG_ANSWER:
            return _difference(subject, detail)
        case Reason.OTHER_OWNER:
            return f"answers with {detail}, which was not asked"
        case Reason.OVERRIDDEN:
            return f"the Corefile's {subject} answers instead ({detail})"
        case Reason.TRUNCATED:
            return "its answer was cut (TC)" + (f": it lacks {subject}" if subject else "")
        case Reason.REPLICAS_DIFFER:
            return "the replicas differ"
        case Reason.CLIENT_NO_SEARCH:
            return f"{subject} does not search the cluster's domain ({detail or 'it searches none'}): only full names"
        case Reason.CLIENT_SEES_OTHER:
            return f"{subject} sees {detail}"
        case Reason.OTHER_SERVICE:
            return f"Service {subject} has the same pods, but no names for them: only spec.serviceName's Service has"
        case Reason.HOST_NETWORK:
            return "hostNetwork: its address is its node's"
        case Reason.WHO_ASKS:
            return (
                f"the Corefile's {subject} ({detail}) may answer pods otherwise than who asked, which was the DNS pod itself; "
                "--from POD looks from a pod's side"
            )
        case Reason.HAND_WRITTEN:
            return f"Service {subject} has no selector: somebody else writes its EndpointSlices"
        case Reason.PORT_UNNAMED:
            return f"port {detail} of Service {subject} has no name, so it has no SRV records"
        case Reason.PORT_NOT_IN_POD:
            return f"pod {subject} has no port of the name that port {detail} of the Service leads to, so its SRV records lack it"
        case Reason.POD_NAMES:
            return "named by its pod's name, because the Corefile has endpoint_pod_names"
        case Reason.NODE_DNS:
            return f"it asks its node's DNS servers itself (dnsPolicy {detail or 'ClusterFirst'})"
        case Reason.CLIENT_NDOTS:
            return f"{subject} has ndots:{detail}, so names with a dot are not searched first"
        case Reason.NODE_CACHE_UNASKED:
            return (
                f"pods ask NodeLocal DNSCache ({detail}) on their node first, which was not asked and may be older; "
                "--from POD looks through it"
            )
        case Reason.NODE_CACHES_ELSEWHERE:
            return (
                f"NodeLocal DNSCache ({detail}) was asked through {subject}, on its node; those of other nodes were not, "
                "and may be older"
            )
        case Reason.NODE_CACHE:
            return f"{subject} asks a cache on its node ({detail}), which may be older than the servers"
        case _:
            assert_never(found.reason)


def _difference(lacking: str, extra: str) -> str:
    return f"answers {extra}" if extra else f"leaves out {lacking}"


# --- what to type ------------------------------------------------------------------------------------------------------------


def fixes(found: NameFinding, pod: str, seen: Diagnosis) -> Iterator[str]:
    """Commands, one a line, each with what it does in front."""
    service = seen.service

    def look(*words: str) -> str:
        return kubectl(*words, namespace=seen.namespace)

    def slices(*words: str) -> str:
        return look("get", "endpointslices", "-l", f"kubernetes.io/service-name={service}", *words)

    match found.reason:
        case Reason.POD_ABSENT | Reason.NAME_NO_LABEL | Reason.LABEL_TOO_LONG:
            yield f"see what keeps it from being made: {_pets('status', seen)}"
        case Reason.POD_OVER | Reason.POD_TERMINATING | Reason.POD_WITHOUT_ADDRESS | Reason.NOT_READY:
            yield f"see why: {look('describe', 'pod', pod)}"
        case Reason.NOT_READY_DEADLOCK:
            yield f"see why: {look('describe', 'pod', pod)}"
            patch = '{"spec":{"publishNotReadyAddresses":true}}'
            yield f"give pods names before they are Ready: {look('patch', 'service', service, '-p', patch)}"
        case Reason.SERVICE_NAME_EMPTY:
            anew = look("delete", seen.kind.kubectl, seen.set, "--cascade=orphan")
            yield f"serviceName cannot be changed; make the set anew around its pods: {anew}"
        case Reason.SERVICE_MISSING:
            made = look("create", "service", "clusterip", found.subject, "--clusterip=None")
            yield f"make it, and give it the set's selector: {made}"
        case Reason.EXTERNAL_NAME | Reason.NOT_HEADLESS:
            yield f"make it anew with clusterIP: None, which cannot be changed: {look('get', 'service', service, '-o', 'yaml')}"
        case Reason.SELECTOR_DIFFERS:
            yield f"see what is selected: {look('get', 'service', service, '-o', 'wide')}"
            yield f"see what the pod has: {look('get', 'pod', pod, '--show-labels')}"
        case Reason.NO_SELECTOR | Reason.HAND_WRITTEN:
            yield f"see what is written there: {slices('-o', 'yaml')}"
        case Reason.SUBDOMAIN_DIFFERS | Reason.HOSTNAME_DIFFERS:
            yield f"the controller makes it with the right ones again: {look('delete', 'pod', pod)}"
        case Reason.FAMILY_NOT_SERVED:
            yield f"see its families: {look('get', 'service', service, '-o', 'jsonpath={.spec.ipFamilies}')}"
        case Reason.SLICE_LACKS | Reason.SLICE_OLD | Reason.SLICE_NOT_READY | Reason.SLICE_NO_HOSTNAME:
            yield f"see whether it comes: {_pets('dns', seen, '-w')}"
            yield f"see the slices: {slices('-o', 'yaml')}"
        case Reason.SLICE_BY_HAND:
            yield f"see who wrote it: {look('get', 'endpointslice', found.subject, '-o', 'yaml', '--show-managed-fields')}"
        case Reason.SLICE_OF_OTHERS:
            chosen = f"kubernetes.io/service-name={service},{KEEPER_LABEL}={found.subject}"
            yield f"see them, and of which cluster they are: {look('get', 'endpointslices', '-l', chosen, '--show-labels')}"
        case (
            Reason.HIDDEN_NAMESPACE
            | Reason.HIDDEN_LABELS
            | Reason.HIDDEN_ENDPOINTS
            | Reason.HIDDEN_ELSEWHERE
            | Reason.OVERRIDDEN
        ):
            place, _, name = (seen.config_map or "kube-system/coredns").partition("/")
            yield f"see the Corefile: {kubectl('get', 'configmap', name, '-o', 'yaml', namespace=place)}"
        case Reason.OTHER_ZONE:
            yield f"ask in the Corefile's: {_pets('dns', seen, '--cluster-domain', found.detail)}"
        case Reason.NAME_SHARED:
            yield f"see who made it, and with which hostname: {look('get', 'pod', found.subject, '-o', 'yaml')}"
        case Reason.TRUNCATED:
            yield f"see how many there are: {slices()}"
        case (
            Reason.SERVER_SILENT
            | Reason.SERVER_FAILING
            | Reason.SERVER_BEHIND
            | Reason.WRONG_ANSWER
            | Reason.OTHER_OWNER
        ):
            place, slash, server = found.server.partition("/")
            yield f"see what it says: {kubectl('logs', server, namespace=place)}" if slash else "see what its log says"
        case Reason.SERVERS_NOT_READY:
            place, slash, server = found.subject.partition("/")
            if slash:
                yield f"see why they are not Ready: {kubectl('describe', 'pod', server, namespace=place)}"
        case Reason.NEGATIVE_CACHE | Reason.STALE_ANSWER | Reason.REPLICAS_DIFFER:
            what = "it passes by itself; see it happen" if found.until else "see whether it passes"
            yield f"{what}: {_pets('dns', seen, '-w')}"
        case Reason.CLIENT_NO_SEARCH | Reason.CLIENT_SEES_OTHER | Reason.CLIENT_NDOTS | Reason.NODE_CACHE | Reason.NODE_DNS:
            yield f"see its dnsPolicy and dnsConfig: {look('get', 'pod', found.subject or pod, '-o', 'yaml')}"
        case Reason.NODE_CACHE_UNASKED | Reason.NODE_CACHES_ELSEWHERE:
            return
        case Reason.WHO_ASKS | Reason.OTHER_SERVICE | Reason.HOST_NETWORK | Reason.POD_NAMES:
            return
        case Reason.PORT_UNNAMED | Reason.PORT_NOT_IN_POD:
            return
        case _:
            assert_never(found.reason)


def _pets(verb: str, seen: Diagnosis, *words: str) -> str:
    return pets(verb, seen.kind.command_line(seen.set), *words, namespace=seen.namespace)
