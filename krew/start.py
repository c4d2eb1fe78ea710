"""What the executable does before the program itself is loaded, which is most of a short run.

Ctrl-C then ends it without a word, where Python would print a traceback of an import. And nothing that is loaded becomes
garbage, so looking for garbage can wait. Of typing_extensions, which takes as long to load as all of msgspec, only names are
asked for that Python's own module has had since 3.11.
"""

import gc
import signal
import sys
import typing

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.set_threshold(50_000, 20, 20)
sys.modules["typing_extensions"] = typing
