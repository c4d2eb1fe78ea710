"""What is mutated: objects as a real API server told them (tests/domain/recordings), and texts as people and programs write them."""

import base64
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rrset

Obj = dict[str, Any]

_RECORDINGS = Path(__file__).resolve().parents[1] / "domain" / "recordings"

#: Of a kind; more would only be more of the same.
_MOST = 12


@cache
def objects(kind: str) -> tuple[Obj, ...]:
    """As the server sent them."""
    found: dict[str, Obj] = {}
    with gzip.open(_RECORDINGS / "ways-1.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            change = json.loads(line)
            if change.get("kind") == kind:
                found[change["object"]["metadata"]["name"]] = change["object"]
    return tuple(found.values())[:_MOST]


#: One as a claim's volume is; the recordings have none.
VOLUME: Obj = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "pvc-1", "uid": "u-1", "resourceVersion": "7", "annotations": {"kubectl-pets/retained-at": "2026-01-01T00:00:00+00:00"}},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "standard",
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": "broken", "name": "data-web-0", "uid": "c-1"},
        "csi": {"driver": "csi.example.org", "volumeHandle": "vol-1"},
    },
    "status": {"phase": "Bound"},
}

CLAIM: Obj = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data-web-0", "namespace": "broken", "uid": "c-1", "resourceVersion": "8", "labels": {"app": "web"}, "finalizers": ["kubernetes.io/pvc-protection"]},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pvc-1", "storageClassName": "standard"},
    "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
}


def listed(kind: str, api_version: str, items: tuple[Obj, ...], more: str = "") -> bytes:
    """A page of a list."""
    meta = {"resourceVersion": "4711", **({"continue": more} if more else {})}
    return json.dumps({"kind": f"{kind}List", "apiVersion": api_version, "metadata": meta, "items": items}).encode()


def event(type: str, item: Obj) -> bytes:
    """A line of a watch, without its line feed."""
    return json.dumps({"type": type, "object": item}).encode()


STATUS: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "too old", "reason": "Expired", "code": 410, "details": {"retryAfterSeconds": 1}}

KUBECONFIG = f"""
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: here
  cluster: {{server: "https://10.0.0.1:6443", certificate-authority-data: {base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()}}}
contexts:
- name: here
  context: {{cluster: here, user: me, namespace: 'prod'}}
- name: 2026-01-01
  context: &other {{cluster: here, user: ~}}
- name: copy
  context: *other
users:
- name: me
  user:
    token: "0o17"
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./login
      args: [get-token, 12:30, "yes", =]
      env: [{{name: A, value: "1"}}]
      interactiveMode: IfAvailable
      provideClusterInfo: true
- name: certificate
  user: {{client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8=, as: somebody, as-groups: [a, b], as-user-extra: {{k: [v]}}}}
""".encode()

KUBERC = b"""apiVersion: kubectl.config.k8s.io/v1beta1
kind: Preference
credentialPluginPolicy: Allowlist
credentialPluginAllowlist:
- command: /usr/bin/login
- name: other
---
apiVersion: kubectl.config.k8s.io/v1alpha1
kind: Preference
"""

DENIED = b"""apiVersion: kubectl.config.k8s.io/v1beta1
kind: Preference
credentialPluginPolicy: DenyAll
"""

CREDENTIALS = (
    b'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"abc","expirationTimestamp":"2030-01-01T00:00:00Z"}}',
    b'{"apiVersion":"client.authentication.k8s.io/v1","status":{"clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":null}}',
    b"apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n  token: abc\n",
)

COREFILE = b"""(snippet) {
    errors
}
.:53 example.org:5353 {
    import snippet
    health { lameduck 5s }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
        endpoint_pod_names
    }
    hosts /etc/coredns/NodeHosts {
        10.0.0.1 db.example.org
        fallthrough
    }
    template IN A example.org {
        match "^(.*)[.]example[.]org[.]$"
        answer "{{ .Name }} 60 IN A 10.0.0.1"
    }
    rewrite name exact old.example.org new.example.org
    acl { block type * net 10.0.0.0/8 }
    cache 30 cluster.local { disable denial cluster.local
        serve_stale 1h
    }
    forward . /etc/resolv.conf
}
"""

NSLOOKUP = b"Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb-0.web.prod.svc.cluster.local\nAddress: 10.0.0.7\nName:\tweb-0\nAddress 2: fd00::7 web-0\n"
GETENT = b"10.0.0.7        STREAM web-0.web.prod.svc.cluster.local\n10.0.0.7        DGRAM\nfd00::7%eth0    RAW\n"

ASKED = ("web-0.web.prod.svc.cluster.local", "A")


def _records(line: str) -> dns.rrset.RRset:
    name, ttl, rdclass, rdtype, data = line.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), rdclass, rdtype, data)


@cache
def replies() -> tuple[bytes, ...]:
    """DNS messages that answer what was asked, one a record type or outcome."""
    name = f"{ASKED[0]}."
    made = []
    for records in (
        (f"{name} 30 IN A 10.0.0.7", f"{name} 30 IN A 10.0.0.8"),
        (f"{name} 30 IN CNAME other.example.org.", "other.example.org. 5 IN A 10.0.0.9"),
        (f"{name} 30 IN SRV 0 50 80 web-0.web.prod.svc.cluster.local.", f"{name} 30 IN TXT hello"),
    ):
        query = dns.message.make_query(name, "A")
        query.id = 0
        reply = dns.message.make_response(query)
        reply.answer = [_records(record) for record in records]
        made.append(reply.to_wire())
    query = dns.message.make_query(name, "A")
    query.id = 0
    gone = dns.message.make_response(query)
    gone.set_rcode(dns.rcode.NXDOMAIN)
    gone.authority = [dns.rrset.from_text("cluster.local.", 30, "IN", "SOA", "ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5")]
    return (*made, gone.to_wire())


RECORD = json.dumps(
    {
        "apiVersion": "kubectl-pets/v1alpha1",
        "kind": "OrphanRecord",
        "server": "https://10.0.0.1:6443",
        "deletions": [
            {"claim": CLAIM, "volume": "pvc-1", "volumeUid": "u-1", "reclaimPolicy": "Delete", "deletedAt": "2026-01-01T00:00:00Z", "volumeSpec": VOLUME["spec"]}
        ],
    }
).encode()

KEPT = (
    b'{"uid":"uid-of-llm","key":"6b9f","revision":3,"created":"2026-01-02T03:04:05Z","replacedBy":"77c8","spec":{"leaderWorkerTemplate":'
    b'{"size":3,"workerTemplate":{"spec":{"containers":[{"name":"app","image":"app:1"}]}}},"networkConfig":{"subdomainPolicy":"Shared"}}}'
)

#: What people and controllers write into annotations that are read.
ANNOTATIONS = (
    b'{"spec":{"replicas":3,"updateStrategy":{"rollingUpdate":{"partition":1}}}}',
    b"[1, 2, 3]",
    b'{"revision":"web-1","updateTimestamp":"2026-01-01T00:00:00Z","lastContainerStatuses":{"app":{"imageID":"x"}}}',
    b"2026-01-01T00:00:00+00:00",
    json.dumps(CLAIM).encode(),
)

QUANTITIES = (b"10Gi", b"1.5e3", b"1500m", b"0.5Ki", b"12E", b"+.5M", b"100n")
DATES = (b"Thu, 26 Nov 2026 09:20:04 GMT", b"120", b"Thu, 26 Nov 2026 09:20:04 -0000", b"1.5", b"Sun, 06 Nov 1994 08:49:37 +0100")
SELECTORS = (b"app=web,tier!=cache", b"k8s-app in (kube-dns)", b"app==web", b"!gone")
DURATIONS = (b"1h30m", b"90", b"1.5s", b"2m,3", b"25%", b"+1", b"30d", b"app=nginx:1@sha256:00", b"web-0", b"prod/web", b"kruise/web")
TEXTS = (b"\x1b[31mred\x1b[0m", "a\u202eb\u200bc\ud7ffd".encode(), b"\x1b]8;;http://example.org\x07link\x1b]8;;\x07", b"plain words\nof two lines")
TOKEN = b"e30.eyJleHAiOiA0MTAyNDQ0ODAwfQ.c2ln"
ENDINGS = (
    b'{"metadata":{},"status":"Success"}',
    b'{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
    b'{"status":"Failure","message":"command terminated with exit code 126"}',
)
FRAMES = (
    b"\x82\x06\x01hello" + b"\x82\x04\x02err" + b"\x82\x23\x03" + ENDINGS[0] + b"\x88\x02\x03\xe8",
    b"\x02\x03\x01ab" + b"\x89\x00" + b"\x80\x02cd" + b"\x82\x7e\x00\x80\x01" + b"x" * 127 + b"\x88\x00",
)
DISCOVERY = json.dumps(
    {"kind": "APIGroupList", "apiVersion": "v1", "groups": [{"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version}], "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}} for group, version in (("apps", "v1"), ("apps.kruise.io", "v1beta1"), ("apps.pingcap.com", "v1"))]}
).encode()
NO_PROXY = (b"10.0.0.0/8,.example.org,[fd00::1]:8443,*", b"http://user:pass@proxy.example.org:3128", b"socks5://[::1]:1080")
PEM = b"# my authority\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
