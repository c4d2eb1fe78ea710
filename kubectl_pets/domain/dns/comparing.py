"""Holds what DNS servers answered against what they should have: name by name, server by server."""

from collections.abc import Sequence
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.dns.answers import Answer, Outcome, RecordType, ServerAnswers
from kubectl_pets.domain.dns.names import Expectation, Name


@unique
class AnswerStanding(StrEnum):
    """How an answer stands to what was expected; of several answers to one name the first in this order counts."""

    SILENT = "silent"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    #: The answer was cut (TC): what came is as expected, what was left out nobody knows.
    TRUNCATED = "truncated"
    #: Other records than expected, or those of another name.
    WRONG = "wrong"
    #: NXDOMAIN or NODATA where there should be records, or NXDOMAIN for a name that is there.
    MISSING = "missing"
    NOT_ASKED = "not-asked"
    #: What to expect is not known.
    UNJUDGED = "unjudged"
    RIGHT = "right"
    #: Nothing was expected and nothing came: as it should be, but nothing resolves.
    ABSENT = "absent"


_ORDER = {standing: rank for rank, standing in enumerate(AnswerStanding)}


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to one server, and how its answer differs from the expected one. ``lacking``: expected and not given;
    ``extra``: given and not expected."""

    expectation: Expectation
    standing: AnswerStanding
    answer: Answer | None = None
    lacking: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What one server (``hearing``) answered to all questions for one name."""

    hearing: ServerAnswers
    compared: tuple[Compared, ...]

    @property
    def standing(self) -> AnswerStanding:
        found = [each.standing for each in self.compared]
        return min(found, key=_ORDER.__getitem__) if found else AnswerStanding.NOT_ASKED


def compare(names: Sequence[Name], hearings: Sequence[ServerAnswers]) -> tuple[tuple[Heard, ...], ...]:
    """For each name, in order, what each server answered, in order."""
    indexed = [(hearing, {answer.question: answer for answer in hearing.answers}) for hearing in hearings]
    return tuple(
        tuple(
            Heard(
                hearing=hearing,
                compared=tuple(_compare(each, answers.get(each.question), hearing) for each in name.expectations),
            )
            for hearing, answers in indexed
        )
        for name in names
    )


def _compare(wanted: Expectation, answer: Answer | None, hearing: ServerAnswers) -> Compared:
    if answer is None:
        silent = hearing.trouble and hearing.missing_right is None
        return Compared(expectation=wanted, standing=AnswerStanding.SILENT if silent else AnswerStanding.NOT_ASKED)
    match answer.outcome:
        case Outcome.SILENT:
            return Compared(expectation=wanted, standing=AnswerStanding.SILENT, answer=answer)
        case Outcome.SERVFAIL:
            return Compared(expectation=wanted, standing=AnswerStanding.SERVFAIL, answer=answer)
        case Outcome.REFUSED:
            return Compared(expectation=wanted, standing=AnswerStanding.REFUSED, answer=answer)
        case Outcome.MISDIRECTED:
            lacking = wanted.records or ()
            return Compared(expectation=wanted, standing=AnswerStanding.WRONG, answer=answer, lacking=lacking)
        case Outcome.ANSWERED | Outcome.NODATA | Outcome.NXDOMAIN:
            return _judge(wanted, answer)


def _judge(wanted: Expectation, answer: Answer) -> Compared:
    if wanted.records is None:
        return Compared(expectation=wanted, standing=AnswerStanding.UNJUDGED, answer=answer)
    given = {_essence(record, wanted.question.type) for record in answer.records}
    lacking = tuple(record for record in wanted.records if record not in given)
    extra = () if wanted.besides is None else tuple(sorted(given - {*wanted.records, *wanted.besides}))
    if extra:
        standing = AnswerStanding.WRONG
    elif answer.truncated:
        standing = AnswerStanding.TRUNCATED
    elif lacking and given:
        standing = AnswerStanding.WRONG
    elif lacking or (wanted.exists and answer.outcome is Outcome.NXDOMAIN):
        standing = AnswerStanding.MISSING
    else:
        standing = AnswerStanding.RIGHT if wanted.exists else AnswerStanding.ABSENT
    return Compared(expectation=wanted, standing=standing, answer=answer, lacking=lacking, extra=extra)


def _essence(record: str, kind: RecordType) -> str:
    """Of SRV records only port and target, for comparing: priority and weight follow from how many there are, and shares are
    rounded."""
    return " ".join(record.split()[2:]) if kind is RecordType.SRV else record
