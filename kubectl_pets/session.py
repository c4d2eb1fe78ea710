"""What one run of the program knows: where it is connected, how it talks, and what time it is.

Commands get a Session and nothing else from outside, so a test can hand them a fake cluster and a terminal of strings. The
client library is loaded only when ``cluster`` is first asked for: help, version and completion never pay for it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from errno import EBADF
from functools import cached_property
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar, cast

import msgspec
from click import get_current_context

if TYPE_CHECKING:  # help, version and completion do without the ports
    from kubectl_pets.ports.cluster import Cluster as Cluster
    from kubectl_pets.views.text.endings import Ending
else:

    def __getattr__(name: str) -> Any:
        if name != "Cluster":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kubectl_pets.ports.cluster import Cluster

        return Cluster


_R = TypeVar("_R")


class ConnectionFlags(msgspec.Struct, frozen=True, kw_only=True):
    """kubectl's connection flags as typed; None or empty where not given. ``token`` and ``password`` are never shown."""

    kubeconfig: str | None = None
    kuberc: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    server: str | None = None
    proxy_url: str | None = None
    token: str | None = None
    username: str | None = None
    password: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    as_uid: str | None = None
    as_user_extra: tuple[str, ...] = ()  #: KEY=VALUE each
    request_timeout: float | None = None  #: seconds; None or 0: no limit of ours
    insecure_skip_tls_verify: bool = False
    certificate_authority: str | None = None
    tls_server_name: str | None = None
    disable_compression: bool = False
    verbosity: int = 0  #: kubectl's levels: from 6 each request is told on stderr, from 1 an error's traceback

    def as_typed(self) -> tuple[str, ...]:
        """The flags that choose cluster and user, as words of a command line, for hints. Never the token or a password,
        and not the namespace, which each hint names itself."""
        single = (
            ("--context", self.context),
            ("--kubeconfig", self.kubeconfig),
            ("--cluster", self.cluster),
            ("--user", self.user),
            ("--server", _without_user(self.server)),
            ("--proxy-url", _without_user(self.proxy_url)),
            ("--username", self.username),
            ("--client-certificate", self.client_certificate),
            ("--client-key", self.client_key),
            ("--as", self.as_user),
            *(("--as-group", group) for group in self.as_groups),
            ("--as-uid", self.as_uid),
            *(("--as-user-extra", extra) for extra in self.as_user_extra),
            ("--certificate-authority", self.certificate_authority),
            ("--tls-server-name", self.tls_server_name),
            ("--kuberc", self.kuberc),
        )
        words = [word for flag, value in single if value for word in (flag, value)]
        return (*words, *(("--insecure-skip-tls-verify",) if self.insecure_skip_tls_verify else ()))


def _without_user(url: str | None) -> str | None:
    return re.sub(r"//[^/]*@", "//", url) if url else url


class _Stream:
    """stdout or stderr, that may be closed, full or gone. The first write that fails is noted in ``failure``, later ones do
    nothing. ``needed``: the first also ends what is under way, by the signal that Ctrl-C sends, so that it takes effect where
    nothing is broken off."""

    def __init__(self, stream: TextIO | None, needed: bool) -> None:
        self._stream, self._needed = stream, needed
        self.failure: OSError | None = None if stream is not None else OSError(EBADF, os.strerror(EBADF))

    def write(self, text: str) -> int:
        return self._tried(lambda stream: stream.write(text)) or 0

    def flush(self) -> None:
        self._tried(lambda stream: stream.flush())

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError(EBADF, os.strerror(EBADF))
        return self._stream.fileno()

    def _tried(self, do: Callable[[TextIO], _R]) -> _R | None:
        if self._stream is None or self.failure is not None:
            return None
        try:
            return do(self._stream)
        except OSError as error:
            self.failure = error
        if self._needed:
            if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as scripts' background jobs have it
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)
        return None


#: ENABLE_VIRTUAL_TERMINAL_PROCESSING (Windows, SetConsoleMode).
_SEQUENCES = 0x0004


def _obeys(stream: _Stream) -> bool:
    """Whether a terminal obeys escape sequences. A Windows console does where this program asks for it, from Windows 10 on:
    cmd.exe has it for itself alone (python/cpython#74261)."""
    obeys = True
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        console = ctypes.WinDLL("kernel32")
        handle, mode = ctypes.c_void_p(msvcrt.get_osfhandle(stream.fileno())), ctypes.c_ulong()
        obeys = bool(console.GetConsoleMode(handle, ctypes.byref(mode)))
        obeys = obeys and bool(console.SetConsoleMode(handle, mode.value | _SEQUENCES))
    return obeys


class _Harmless:
    """A stream that GitHub Actions reads: what looks like one of its commands is written so that it is none."""

    def __init__(self, stream: TextIO) -> None:
        from kubectl_pets.views.text.workflow import harmless

        self.stream, self._harmless = stream, harmless

    def write(self, text: str) -> int:
        return self.stream.write(self._harmless(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Terminal:
    """The three streams, and what may be done on them."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environ: "dict[str, str] | None" = None) -> None:
        environ = environ or {}
        self._raw = stdout
        if environ.get("GITHUB_ACTIONS") == "true":
            stdout, stderr = cast(TextIO, _Harmless(stdout)), cast(TextIO, _Harmless(stderr))
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        #: Somebody reads it as the log of a pipeline (``--ci``).
        self.ci = False
        #: What came of each set, in the order in which it was told.
        self.endings: list[Ending] = []
        self.interactive = stdin.isatty() and stderr.isatty()
        #: Whether a line of stderr can be taken back.
        self.fleeting = stderr.isatty() and environ.get("TERM", "") != "dumb"
        self.live = stdout.isatty() and environ.get("TERM", "") != "dumb"
        forced = environ.get("FORCE_COLOR", "") not in ("", "0")
        self.colour = (self.live or forced) and not environ.get("NO_COLOR")
        self._columns = environ.get("COLUMNS", "")
        self._held: list[str] | None = None
        self._overheard: list[str] | None = None

    @classmethod
    def real(cls) -> "Terminal":
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a bare environment (LANG=C, a Windows pipe) must not spoil a picture
                stream.reconfigure(encoding="utf-8", errors="replace")
        stdout, stderr = _Stream(sys.stdout, needed=True), _Stream(sys.stderr, needed=False)
        environ = dict(os.environ)
        if not all(_obeys(stream) for stream in (stdout, stderr) if stream.isatty()):
            environ["TERM"] = "dumb"
        return cls(sys.stdin, cast(TextIO, stdout), cast(TextIO, stderr), environ)

    @property
    def lost(self) -> OSError | None:
        """Why stdout cannot be written; None as long as it can."""
        return self._raw.failure if isinstance(self._raw, _Stream) else None

    @property
    def width(self) -> int:
        """Columns to draw in; elsewhere than on a terminal nothing is cut short of 160."""
        if self._columns.isdigit() and int(self._columns) > 0:
            return int(self._columns)
        return shutil.get_terminal_size((160, 50)).columns if self.live else 160

    @property
    def limit(self) -> int | None:
        """The width in columns at which lines that hold evidence are cut; None: they are not, as anywhere but on a terminal."""
        return self.width if self.live or self._columns else None

    @property
    def rows(self) -> int | None:
        """How many lines fit on the terminal at once; None elsewhere."""
        return shutil.get_terminal_size((160, 50)).lines if self.live else None

    @property
    def picture(self) -> int | None:
        """The width in columns of what is repainted in place, as ``limit``: a full line would wrap on some terminals."""
        limit = self.limit
        return max(1, limit - 1) if limit is not None and self.live else limit

    def passing(self, text: str) -> None:
        """What is being done right now, on a line of stderr that the next one replaces; nothing where stderr is no terminal."""
        if self.fleeting:
            self.stderr.write(f"\r\x1b[K{text}")
            self.stderr.flush()

    def agrees(self, question: str) -> bool:
        """Whether somebody sits there and says yes; anything else, or nobody there, is a no that says what to do."""
        if not self.interactive:
            self.tell(f"refused: {question}")
            self.tell("hint: there is no terminal to ask on; add -y to agree. Nothing was changed.")
            return False
        self.stderr.write(f"{question} [y/N] ")
        self.stderr.flush()
        if self.stdin.readline().strip().lower() in ("y", "yes"):
            return True
        self.tell("refused: nothing was changed")
        return False

    def types(self, question: str, word: str) -> bool:
        """Whether somebody sits there and types ``word``, for what a plain yes, or a flag, is not enough for."""
        if not self.interactive:
            self.tell(f"refused: {question}")
            self.tell("hint: this takes somebody at a terminal who knows; no flag stands in for that. Nothing was changed.")
            return False
        self.stderr.write(f"{question} ")
        self.stderr.flush()
        if self.stdin.readline().strip() == word:
            return True
        self.tell("refused: that is not what was asked for; nothing was changed")
        return False

    def print(self, text: str) -> None:
        """Data, to stdout; where there is none, not even an empty line: whoever reads names by the line would take it for one."""
        if not text:
            return
        self.stdout.write(text if text.endswith("\n") else text + "\n")
        self.stdout.flush()

    def broken(self, text: str) -> str:
        """Sentences, broken at blanks where stdout is a terminal: commands are not, for they are for pasting."""
        if not self.live or len(text) <= self.width:
            return text
        from kubectl_pets.views.text.fitting import prose

        return prose(text, self.width)

    def order(self, command: str) -> None:
        """A workflow command for whoever runs this, as it is. What it holds of others is escaped."""
        self._raw.write(command + "\n")
        self._raw.flush()

    def for_pipeline(self) -> None:
        """A log, also where there is a terminal."""
        self.ci, self.live, self.fleeting = True, False, False

    def tell(self, text: str) -> None:
        """Talk, to stderr; on a terminal its sentences are broken at blanks."""
        if self._overheard is not None:
            self._overheard.append(text)
        if self._held is not None:
            self._held.append(text)
            return
        self.stderr.write((self.broken(text) if self.stderr.isatty() else text) + "\n")
        self.stderr.flush()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While there is a picture on the terminal, what is told there waits until it is gone."""
        if not (self.live and self.stderr.isatty()):
            yield
            return
        held: list[str] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
            for text in held:
                self.tell(text)

    @contextmanager
    def overheard(self) -> Iterator[list[str]]:
        """What is told in the block, once more, for a picture that would hide it."""
        heard: list[str] = []
        self._overheard = heard
        try:
            yield heard
        finally:
            self._overheard = None


class Session:
    """One run. ``connect`` is called at most once, when the cluster is first needed."""

    def __init__(self, *, terminal: Terminal, connect: Callable[[ConnectionFlags], Cluster] | None = None) -> None:
        self.terminal = terminal
        self.flags = ConnectionFlags()
        self.named_namespace = ""
        #: The field manager as it was typed; empty: our own.
        self.written_as = ""
        #: The file for JUnit's XML; empty: none.
        self.junit = ""
        #: What was read, where it is a lot: given back piece by piece it would take a while, and the program ends anyway.
        self.kept: object = None
        self._connect = connect
        self._longest: float | None = None

    @cached_property
    def cluster(self) -> Cluster:
        flags = self.flags
        if self._longest is not None:
            flags = msgspec.structs.replace(flags, request_timeout=min(flags.request_timeout or self._longest, self._longest))
        if self._connect is not None:
            return self._connect(flags)
        from kubectl_pets.cluster import connect

        context = get_current_context(silent=True)
        command = context.command_path if context is not None else ""
        return connect(flags, tell=self.terminal.tell, command=command, field_manager=self.written_as)

    def bound_requests(self, seconds: float) -> None:
        """No request may take longer, the body of its answer included; streams may. Before the cluster is first asked for."""
        self._longest = seconds

    @property
    def field_manager(self) -> str:
        """The name under which the API server records what this run writes into a set."""
        from kubectl_pets.domain.changes import FIELD_MANAGER

        return self.written_as or FIELD_MANAGER

    @property
    def verbose(self) -> bool:
        return self.flags.verbosity > 0

    def close(self) -> None:
        """Give back what the run took from outside; safe to call when nothing was."""
        if "cluster" in self.__dict__:
            self.cluster.close()

    @property
    def namespace(self) -> str:
        """The one that was typed with a name (``prod/web``), or with -n, or the context's."""
        return self.typed_namespace or self.cluster.namespace

    @property
    def typed_namespace(self) -> str:
        """The same where it was typed; empty: it is the context's, which takes a kubeconfig to know."""
        return self.named_namespace or self.flags.namespace or ""

    def configured(self, part: Literal["contexts", "clusters", "users"]) -> tuple[str, ...]:
        """What the contexts, clusters or users of the kubeconfig are called; asks no server. Raises ConfigError."""
        from kubectl_pets.cluster.access.kubeconfig import load

        return tuple(getattr(load(self.flags.kubeconfig, os.environ), part))

    def now(self) -> datetime:
        return self.cluster.now()
