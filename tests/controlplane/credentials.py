"""Certificates, tokens and kubeconfig files of one run.

Every run has its own authorities and its own token table, so that no credential outlives it and none of the user's own
is ever read or written.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme

CONTEXT = "controlplane"

#: Of the tests beside kubectl: they are given every right in the cluster.
PARITY_USERS = ("anna", "boris", "clara")

#: Users that may do nothing until a test binds a role to them. Rights to what is in no namespace hold for all tests that run
#: meanwhile, so whoever is given such is of one test.
PLAIN_USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "leo", "mona", "nora", *PARITY_USERS)

#: The control plane's own users and their groups; the API server binds roles to the `system:` ones by itself.
_COMPONENT_USERS: Mapping[str, tuple[str, ...]] = {
    "kubectl-pets-admin": ("system:masters",),
    "kubectl-pets-supervisor": ("system:masters",),
    "kwok": ("system:masters",),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
    "kubectl-pets-coredns": (),
    "kubectl-pets-node": ("system:masters",),
    "kubectl-pets-storage": ("system:masters",),
    "kubectl-pets-operators": ("system:masters",),
}
ADMIN, SUPERVISOR, KWOK, CONTROLLER_MANAGER, SCHEDULER, COREDNS, NODE, STORAGE, OPERATORS = _COMPONENT_USERS


@dataclass(frozen=True)
class Credentials:
    """The files of one run's credentials, all under one folder."""

    folder: Path

    @property
    def server_authority(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def server_authority_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def server_certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def server_key(self) -> Path:
        return self.folder / "server.key"

    @property
    def client_authority(self) -> Path:
        return self.folder / "client-ca.crt"

    @property
    def client_authority_key(self) -> Path:
        return self.folder / "client-ca.key"

    @property
    def kubelet_client_certificate(self) -> Path:
        """By which kubelets know the API server."""
        return self.folder / "kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        return self.folder / "kubelet-client.key"

    @property
    def service_account_key(self) -> Path:
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def token(self, user: str) -> str:
        """The user's token; a KeyError names the users that have one."""
        table = {}
        for line in self.tokens.read_text(encoding="utf-8").splitlines():
            token, name, *_ = line.split(",")
            table[name] = token
        if user not in table:
            raise KeyError(f"no token for {user!r}; there are {', '.join(sorted(table))}")
        return table[user]

    def create(self) -> None:
        """Make everything that the servers are started with."""
        self.folder.mkdir(mode=0o700)
        servers = trustme.CA(organization_name="kubectl-pets servers")
        servers.cert_pem.write_to_path(self.server_authority)
        servers.private_key_pem.write_to_path(self.server_authority_key)
        self.issue_server(
            self.server_certificate, self.server_key, "127.0.0.1", "localhost", "kubernetes.default.svc", "10.96.0.1",
        )
        clients = trustme.CA(organization_name="kubectl-pets clients")
        clients.cert_pem.write_to_path(self.client_authority)
        clients.private_key_pem.write_to_path(self.client_authority_key)
        leaf = clients.issue_cert("kube-apiserver.test", common_name="kube-apiserver-kubelet-client", organization_name="system:masters")
        leaf.private_key_pem.write_to_path(self.kubelet_client_key)
        leaf.cert_chain_pems[0].write_to_path(self.kubelet_client_certificate)
        # Any private key will do for signing the tokens of service accounts.
        clients.issue_cert(common_name="service-accounts").private_key_pem.write_to_path(self.service_account_key)
        lines = []
        for name, groups in [*_COMPONENT_USERS.items(), *((name, ()) for name in PLAIN_USERS)]:
            quoted = f',"{",".join(groups)}"' if groups else ""
            lines.append(f"{secrets.token_hex(16)},{name},{name}{quoted}\n")
        self.tokens.write_text("".join(lines), encoding="utf-8")
        for path in self.folder.iterdir():
            path.chmod(0o600)

    def issue_server(self, certificate: Path, key: Path, *names: str) -> None:
        """A certificate for a server of these names and addresses, from the authority that all clients trust."""
        servers = trustme.CA.from_pem(self.server_authority.read_bytes(), self.server_authority_key.read_bytes())
        leaf = servers.issue_cert(*names)
        key.touch(mode=0o600)
        leaf.private_key_pem.write_to_path(key)
        for number, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(certificate, append=number > 0)

    def write_certificate_kubeconfig(self, path: Path, server: str, user: str, groups: tuple[str, ...] = ()) -> Path:
        """A kubeconfig of a user whom the API server knows by a client certificate."""
        clients = trustme.CA.from_pem(self.client_authority.read_bytes(), self.client_authority_key.read_bytes())
        # A certificate's organization is its group; trustme can write one.
        # It needs some alternative name: Go takes an empty list of them for an extension that it cannot handle.
        leaf = clients.issue_cert(f"{user}.test", common_name=user, organization_name=groups[0] if groups else None)
        certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
        key.touch(mode=0o600)
        leaf.private_key_pem.write_to_path(key)
        leaf.cert_chain_pems[0].write_to_path(certificate)
        return self._write(path, server, user, {"client-certificate": str(certificate), "client-key": str(key)})

    def write_token_kubeconfig(self, path: Path, server: str, user: str, token: str | None = None) -> Path:
        """A kubeconfig of a user with a token: the user's own, unless another one is given."""
        return self._write(path, server, user, {"token": token or self.token(user)})

    def _write(self, path: Path, server: str, user: str, credential: Mapping[str, str]) -> Path:
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [{
                "name": CONTEXT,
                "cluster": {"server": server, "certificate-authority": str(self.server_authority)},
            }],
            "users": [{"name": user, "user": dict(credential)}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user, "namespace": "default"}}],
        }
        # JSON is YAML. Written beside and renamed, for several processes may ask for the same user at once.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
        return path
