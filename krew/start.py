"""What the executable does before the program itself is loaded, which is most of a short run.

Ctrl-C then ends it without a word, where Python would print a traceback of an import. And nothing that is loaded becomes
garbage, so looking for garbage can wait.
"""

import gc
import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.set_threshold(50_000, 20, 20)
