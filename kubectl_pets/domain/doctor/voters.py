"""Do the members of a set vote? A majority matters to those that do, and to others the loss of a pod is the loss of a pod.

Known by the image's name or by labels, or said by somebody in an annotation. What is not known is judged as if they did, and
said so.
"""

from enum import StrEnum, unique

from kubectl_pets.domain.model import StatefulSet

#: "voting", "data" or "cache": whoever runs the set knows better than a table.
MEMBERS_ANNOTATION = "kubectl-pets/members"


@unique
class Members(StrEnum):
    VOTING = "voting"
    DATA = "data"
    CACHE = "cache"
    UNKNOWN = "unknown"


#: The last part of the images of programs that elect a leader, or agree, by majority of their members.
_VOTERS = frozenset(
    (
        "etcd",
        "zookeeper",
        "consul",
        "vault",
        "openbao",
        "nats",
        "rabbitmq",
        "mongodb",
        "mongo",
        "cockroach",
        "redis-sentinel",
        "clickhouse-keeper",
        "rqlite",
    )
)


#: Images of programs of which only some members vote, and the labels that tell which: one key, and the values that mean it.
_ROLES: dict[str, tuple[tuple[str, frozenset[str]], ...]] = {
    "elasticsearch": (
        ("elasticsearch.k8s.elastic.co/node-master", frozenset(("true",))),
        ("app.kubernetes.io/component", frozenset(("master", "master-eligible"))),
        ("role", frozenset(("master",))),
    ),
    "opensearch": (
        ("opensearch.org/opensearch-role", frozenset(("cluster_manager", "master"))),
        ("app.kubernetes.io/component", frozenset(("master", "master-eligible", "cluster-manager"))),
    ),
    "kafka": (
        ("strimzi.io/controller-role", frozenset(("true",))),
        ("app.kubernetes.io/component", frozenset(("controller", "controller-eligible"))),
    ),
    "redis": (("app.kubernetes.io/component", frozenset(("sentinel",))),),
    "valkey": (("app.kubernetes.io/component", frozenset(("sentinel",))),),
}

#: What a chart or an operator calls the program.
_NAME_LABEL = "app.kubernetes.io/name"


def members_of(owner: StatefulSet) -> Members:
    """By the annotation; else by images and by the labels of the pods and the set."""
    said = owner.metadata.annotations.get(MEMBERS_ANNOTATION, "").strip().lower()
    if said in (Members.VOTING, Members.DATA, Members.CACHE):
        return Members(said)
    labels = {**owner.metadata.labels, **owner.spec.template.metadata.labels}
    names = {_name_of(each.image) for each in owner.spec.template.spec.containers} | {labels.get(_NAME_LABEL, "").lower()}
    roles = [role for name in sorted(names) for role in _ROLES.get(name, ())]
    if names & _VOTERS or any(labels.get(key, "").lower() in values for key, values in roles):
        return Members.VOTING
    return Members.UNKNOWN


def votes(owner: StatefulSet) -> bool:
    """Whether they are known to."""
    return members_of(owner) is Members.VOTING


def may_vote(owner: StatefulSet) -> bool:
    """Whether nobody says that they do not."""
    return members_of(owner) in (Members.VOTING, Members.UNKNOWN)


def _name_of(image: str) -> str:
    """``registry.example:5000/bitnami/etcd:3.5@sha256:..`` is ``etcd``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
