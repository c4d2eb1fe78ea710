"""The words for who else has a say in a set that is about to be changed."""

from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.managers import Manager
from kubectl_pets.domain.rollout.ownership import DeployedField, NextDeploy, Stake
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout.words import warning
from kubectl_pets.views.text.phrases import command

_NOUNS = {DeployedField.IMAGE: "the image", DeployedField.PARTITION: "the partition", DeployedField.REPLICAS: "the replicas"}


def deployer(found: Stake | Manager, seen: Assessment) -> str:
    """Who else has a say in the set, before it is changed."""
    return stake(found, seen) if isinstance(found, Stake) else warning(found)


def stake(found: Stake, seen: Assessment) -> str:
    """Who deploys a field that is about to be written, and what their next deploy does about it."""
    who, value = clean(found.deployer), f" ({clean(found.value)})" if found.value else ""
    what = _NOUNS[found.field]
    match found.next_deploy:
        case NextDeploy.FAILS:
            fails = f'its next deploy of another value fails with a conflict with "{clean(found.ours)}"'
            return f"{who} applies {what}{value}: {fails}, until it is given back with: {command(seen, 'rollout handover')}"
        case NextDeploy.OVERWRITES if found.field is DeployedField.PARTITION and not found.lets_go:
            return f"{who} states {what}{value}: its next deploy puts that back, and holds back pods with it"
        case NextDeploy.OVERWRITES if found.field is DeployedField.PARTITION:
            return f"{who} states {what}{value}: a deploy before this is done puts it back and lets go what it holds"
        case NextDeploy.OVERWRITES:
            return f"{who} states {what}{value}: its next deploy puts that back, unless it is changed there as well"
        case NextDeploy.MAY_OVERWRITE:
            return f"{who} wrote {what}{value}: if it deploys this set again it puts that back"
        case _:
            assert_never(found.next_deploy)
