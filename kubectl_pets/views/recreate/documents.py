"""``kubectl pets recreate -o json|yaml``: the plan for programs."""

from kubectl_pets.domain.recreate.plan import RecreatePlan
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout.documents import API_VERSION, camel, dump


def document(found: RecreatePlan, seen: Assessment, output: str) -> str:
    """What making the set again takes, for the set as it was ``seen``."""
    return dump(
        {
            "apiVersion": API_VERSION,
            "kind": "RecreatePlan",
            "metadata": {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid},
            "fields": [camel(each) for each in found.fields],
            "claimTemplates": [camel(each) for each in found.templates],
            "pods": found.pods,
            "lacking": {"volumes": list(found.lacking.volumes), "subdomain": list(found.lacking.subdomain)},
            "revisionsLost": list(found.revisions_lost),
            "managers": [camel(each) for each in found.managers],
            "templateLeftOut": found.template_left_out,
            "takersUnread": list(found.takers_unread),
            "refused": [camel(each) for each in found.refused],
            "done": found.done,
        },
        output,
    )
