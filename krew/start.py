"""What the executable does before the program itself is loaded, which is most of a short run.

Ctrl-C then ends it without a word, where Python would print a traceback of an import. Nothing that is loaded becomes garbage,
so nobody looks for any until the program itself begins (kubectl_pets.__main__). Of typing_extensions, which takes as long to
load as all of msgspec, only names are asked for that Python's own module has had since 3.11. Of ``decimal``, msgspec and
``fractions`` ask for its class, to tell its numbers, of which there are none here. Regular expressions were compiled when this
was built (krew/patterns.py); one that was not is compiled as always.
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


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.disable()
sys.modules["typing_extensions"] = typing
_decimal = sys.modules["decimal"] = type(sys)("decimal")
_decimal.Decimal = type("Decimal", (), {"__slots__": ()})  # type: ignore[attr-defined]
_COMPILER.compile = _compiled
