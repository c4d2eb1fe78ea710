"""``make krew``: the archive of this machine, together with those that other machines have made, their sums, and krew's manifest.

PyInstaller builds for the machine that it runs on only. So each platform makes its archive, and whoever has them all in one
folder (``--from``) gets a manifest of them all; ``--merge`` does only that, so that what was tried is what is published. The
manifest's template is the one that krew-release-bot fills in for a release.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from krew import archives, build
from krew.archives import ReleaseError
from kubectl_pets import __version__, version

TEMPLATE = Path(__file__).with_name("pets.yaml")

#: Below ``dist``, which may be on PATH: kubectl would take the archives for plugins that cannot be run.
FOLDER = "release"

_DOWNLOAD = re.compile(r'\{\{\s*addURIAndSha\s+"(?P<url>[^"]+)"\s+\.TagName\s*\}\}')
_TAG = re.compile(r"\{\{\s*\.TagName\s*\}\}")
_VERSION = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")

#: The last day on which OpenSSL's own people mend a series (openssl-library.org, release strategy). The executable carries its
#: OpenSSL along, so no distribution's patches reach it.
_MENDED_UNTIL = {"3.5": date(2030, 4, 8)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m krew.release", description="Make what a release is, in dist/release/.")
    parser.add_argument("--tag", default=f"v{__version__}", help="the version (default: %(default)s)")
    parser.add_argument("--from", dest="folder", type=Path, help="a folder with the archives of other platforms")
    parser.add_argument("--merge", action="store_true", help="take the archives of that folder alone, as they are")
    parser.add_argument("--may", action="store_true", help="only say whether this checkout and machine may release that tag")
    parser.add_argument("--try", dest="tries", action="store_true", help="unpack the archive made here and run it")
    parser.add_argument("--url", help="where the archives will be downloaded from, instead of the template's")
    parser.add_argument("--dist", type=Path, default=build.ROOT / "dist", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.may:
            may_be_released(chosen.tag, version.openssl(), date.today())
            return 0
        for path in release(chosen.dist, chosen.tag, others=chosen.folder, url=chosen.url, own=not chosen.merge):
            print(path)
        if chosen.tries:
            tried(chosen.dist / FOLDER / archives.name(chosen.tag, archives.here()))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def may_be_released(tag: str, openssl: str, today: date) -> None:
    """Raises ReleaseError where the tag is not this checkout's version, or nobody mends the OpenSSL that would be inside."""
    if tag != f"v{__version__}":
        raise ReleaseError(f"the tag is {tag}, but kubectl_pets/__init__.py says {__version__}")
    until = _MENDED_UNTIL.get(".".join(openssl.split(".")[:2]))
    if until is None or until < today:
        told = f"ended on {until}" if until else "has ended, or krew/release.py does not know until when it goes on"
        raise ReleaseError(f"this Python brings OpenSSL {openssl}, whose support {told}: build with another Python")


def tried(archive: Path) -> None:
    """Unpack the archive and let the executable say what it is. Raises ReleaseError where that is not what was to be released."""
    with TemporaryDirectory() as folder:
        shutil.unpack_archive(archive, folder, filter=None if archive.suffix == ".zip" else "data")
        command = [str(Path(folder) / build.NAME), "--version", "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise ReleaseError(f"{archive.name} does not run: {done.stderr.strip() or done.returncode}")
    said = json.loads(done.stdout)
    wanted = {"version": __version__, "commit": build.commit() or None, "openssl": version.openssl()}
    differs = [f"{name} {said.get(name)} instead of {value}" for name, value in wanted.items() if said.get(name) != value]
    if differs:
        raise ReleaseError(f"{archive.name} is not this checkout's: {', '.join(differs)}")


def release(dist: Path, tag: str, *, others: Path | None = None, url: str | None = None, own: bool = True) -> list[Path]:
    """Make the archive of the executable in ``dist``, add ``others``, and write sums and manifest, all in a folder below it; what
    a release uploads. ``own`` False: nothing is made here, all of it is in ``others``."""
    if not _VERSION.fullmatch(tag):
        raise ReleaseError(f"{tag} is not a version such as v{__version__}")
    if others is None and not own:
        raise ReleaseError("there is no folder to take the archives from")
    into = dist / FOLDER
    into.mkdir(parents=True, exist_ok=True)
    made_here = into / archives.name(tag, archives.here())
    if own:
        archives.pack(made_here, parts_of(dist), build.epoch())
        shutil.copyfile(dist / build.PARTS_LIST, _list_beside(made_here))
    if others is not None:
        _merge(into, tag, others, made_here.name if own else "")
    made = list(archives.found(into, tag))
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    (into / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="utf-8")
    (into / "pets.yaml").write_text(filled(TEMPLATE.read_text(encoding="utf-8"), tag, sums, url), encoding="utf-8")
    lists = [beside for path in made if (beside := _list_beside(path)).exists()]
    return [*made, *lists, into / "SHA256SUMS", into / "pets.yaml"]


def parts_of(dist: Path) -> list[Path]:
    """What is in an archive besides nothing else: the executable, its completion, and the licences."""
    completion = "kubectl_complete-pets" + (".cmd" if sys.platform == "win32" else "")
    files = [dist / build.NAME, dist / build.LICENCES, build.ROOT / "LICENSE", build.ROOT / "krew" / completion]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise ReleaseError(f"there is no {', '.join(missing)}; `make build` makes it")
    return files


def filled(template: str, tag: str, sums: Mapping[str, str], url: str | None) -> str:
    """The manifest: krew-release-bot's template with the tag, and addresses and sums of the archives that are there.

    Platforms without an archive are left out. ``sums``: SHA-256 by file name. Raises ReleaseError when none is left, or when an
    archive has no place in the template.
    """
    head, mark, platforms = template.partition("  platforms:\n")
    kept, named = [], set()
    for block in re.split(r"(?m)^(?=  - )", platforms):
        download = _DOWNLOAD.search(block)
        if download is None:
            continue
        address = _TAG.sub(tag, download["url"])
        file = address.rpartition("/")[2]
        if file in sums:
            named.add(file)
            address = f"{url.rstrip('/')}/{file}" if url else address
            kept.append(block.replace(download[0], f"uri: {address}\n    sha256: {sums[file]}"))
    homeless = sorted(set(sums) - named)
    if homeless or not kept:
        raise ReleaseError(f"krew/pets.yaml has no place for {', '.join(homeless)}" if homeless else "there is no archive at all")
    return _TAG.sub(tag, head) + mark + "".join(kept)


def _list_beside(archive: Path) -> Path:
    return archive.with_name(re.sub(r"\.(tar\.gz|zip)$", ".cdx.json", archive.name))


def _merge(into: Path, tag: str, others: Path, own: str) -> None:
    """Copy the archives of other platforms, and their lists of parts, from a folder. What this machine made is not replaced."""
    if not others.is_dir():
        raise ReleaseError(f"there is no folder {others}")
    for path in archives.found(others, tag):
        if path.name != own:
            for file in (path, _list_beside(path)):
                if file.exists() and file.resolve() != (into / file.name).resolve():
                    shutil.copyfile(file, into / file.name)


if __name__ == "__main__":
    sys.exit(main())
