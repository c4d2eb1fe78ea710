"""What the executable does before the program itself is loaded, which is most of a short run.

Ctrl-C then ends it without a word, where Python would print a traceback of an import. Nothing that is loaded becomes garbage,
so nobody looks for any until the program itself begins (kubectl_pets.__main__). Of typing_extensions, which takes as long to
load as all of msgspec, only names are asked for that Python's own module has had since 3.11. Of ``decimal``, msgspec and
``fractions`` ask for its class, to tell its numbers, of which there are none here. ``datetime`` is what is written in C.
click asks ``gettext`` for other words, for which that would look where nothing ever lies: beside the libraries that this has
unpacked. Regular expressions were compiled when this was built (krew/patterns.py); one that was not is compiled as always.
"""

import _sre  # type: ignore[import-not-found]
import gc
import re
import signal
import sys
import typing

try:
    from kubectl_pets_patterns import PATTERNS  # type: ignore[import-not-found]  # made beside kubectl_pets_build
except ImportError:  # a checkout has none
    PATTERNS = {}

_COMPILER: typing.Any = getattr(re, "_compiler")
_COMPILE = _COMPILER.compile


def _compiled(pattern: typing.Any, flags: int = 0) -> typing.Any:
    found = PATTERNS.get((pattern, flags)) if isinstance(pattern, (str, bytes)) else None
    if found is None:
        return _COMPILE(pattern, flags)
    final, code, groups, names, indexes = found
    return _sre.compile(pattern, final, memoryview(code).cast("I").tolist(), groups, names, indexes)


def _datetime_alone() -> typing.Any:
    """``datetime`` as Python has it since 3.12: what is written in C, without making the same in Python first."""
    import _datetime  # type: ignore[import-not-found]

    module = type(sys)("datetime")
    vars(module).update({name: value for name, value in vars(_datetime).items() if not name.startswith("_")})
    return module


def _said(message: str) -> str:
    """``gettext.gettext`` where there is no catalogue."""
    return message


def _counted(one: str, several: str, number: int) -> str:
    """``gettext.ngettext`` where there is no catalogue."""
    return one if number == 1 else several


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.disable()
sys.modules["typing_extensions"] = typing
_decimal = sys.modules["decimal"] = type(sys)("decimal")
_decimal.Decimal = type("Decimal", (), {"__slots__": ()})  # type: ignore[attr-defined]
_COMPILER.compile = _compiled
_gettext = sys.modules["gettext"] = type(sys)("gettext")
vars(_gettext).update(gettext=_said, ngettext=_counted)
if sys.version_info < (3, 12):
    sys.modules["datetime"] = _datetime_alone()
