"""What the executable does before the program itself is loaded, which is most of a short run.

Ctrl-C then ends it without a word, where Python would print a traceback of an import. Nothing that is loaded becomes garbage,
so nobody looks for any until the program itself begins (kubectl_pets.__main__). Of typing_extensions, which takes as long to
load as all of msgspec, only names are asked for that Python's own module has had since 3.11. Of ``decimal``, msgspec and
``fractions`` ask for its class, to tell its numbers, of which there are none here. ``datetime`` is what is written in C.
click asks ``gettext`` for other words, for which that would look where nothing ever lies: beside the libraries that this has
unpacked. What urllib3 and ``queue`` try to import and is not in here is not looked for. ``ssl`` and ``socket`` make classes of
some sixty constants that nobody asks for these classes: they stay the numbers that they are. Regular expressions were compiled
when this was built (krew/patterns.py); one that was not is compiled as always.
"""

import _sre  # type: ignore[import-not-found]
import enum
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


#: Modules that are not in the executable, and that others try.
NOT_THERE = ("_queue", "backports", "brotli", "brotlicffi")

#: Classes of constants in ``ssl`` and ``socket`` that neither these nor anybody else here asks for.
UNNAMED = frozenset({"AddressInfo", "AlertDescription", "MsgFlag", "SSLErrorNumber"})

_CONVERT: typing.Any = getattr(enum.EnumType, "_convert_")


def _converted(
    cls: typing.Any, name: str, module: str, filter: typing.Any, source: typing.Any = None, **kw: typing.Any
) -> typing.Any:
    """``EnumType._convert_``, which makes a class of those names of a module that pass the ``filter``."""
    if name not in UNNAMED:
        return _CONVERT(cls, name, module, filter, source, **kw)
    if source is not None:  # a module of C, from which they are taken as well
        vars(sys.modules[module]).update({each: value for each, value in vars(source).items() if filter(each)})
    return None


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
setattr(enum.EnumType, "_convert_", _converted)
sys.modules.update(dict.fromkeys(NOT_THERE))  # type: ignore[arg-type]  # importing one is an error at once then
_gettext = sys.modules["gettext"] = type(sys)("gettext")
vars(_gettext).update(gettext=_said, ngettext=_counted)
if sys.version_info < (3, 12):
    sys.modules["datetime"] = _datetime_alone()
