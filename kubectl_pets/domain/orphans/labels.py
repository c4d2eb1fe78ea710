"""Label selectors as they are typed (``-l``), for labels that no API server can be asked about: those of claims that are gone."""

import re

from kubectl_pets.domain.model import LabelSelector, LabelSelectorRequirement

_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_EQUALS = re.compile(rf"(?P<key>{_KEY})\s*(?P<op>==|=|!=)\s*(?P<value>{_VALUE})")
_AMONG = re.compile(rf"(?P<key>{_KEY})\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_THERE = re.compile(rf"(?P<no>!?)\s*(?P<key>{_KEY})")


def parse_selector(text: str) -> LabelSelector | None:
    """apimachinery's labels.Parse: ``app=web,tier!=cache,zone in (a, b),!old``. None where it cannot be meant."""
    wanted = []
    for term in re.split(r",(?![^()]*\))", text):
        found = _requirement(term.strip())
        if found is None:
            return None
        wanted.append(found)
    return LabelSelector(match_expressions=tuple(wanted))


def _requirement(term: str) -> LabelSelectorRequirement | None:
    if found := _EQUALS.fullmatch(term):
        operator = "NotIn" if found["op"] == "!=" else "In"
        return LabelSelectorRequirement(key=found["key"], operator=operator, values=(found["value"],))
    if found := _AMONG.fullmatch(term):
        values = tuple(value.strip() for value in found["values"].split(","))
        if all(re.fullmatch(_VALUE, value) for value in values):
            return LabelSelectorRequirement(key=found["key"], operator="In" if found["op"] == "in" else "NotIn", values=values)
        return None
    if found := _THERE.fullmatch(term):
        return LabelSelectorRequirement(key=found["key"], operator="DoesNotExist" if found["no"] else "Exists")
    return None
