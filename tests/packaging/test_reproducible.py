"""Who builds the same commit gets the same bytes, wherever the checkout lies."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from krew import build
from tests.packaging.conftest import SOURCES


@pytest.mark.slow
def test_a_build_in_another_folder_gives_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """The executable, its licences and its parts list."""
    told = subprocess.run([dist / build.NAME, "--version"], capture_output=True, text=True, check=True).stdout
    stamp = re.search(r"commit +(\S+)", told)
    assert stamp is not None
    checkout = tmp_path / "a folder with another name"
    shutil.copytree(dist / SOURCES, checkout)
    script = f"from pathlib import Path; from krew import build; build.build(Path('dist'), stamp={stamp[1].replace('unknown', '')!r})"
    environ = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "PYTHONHASHSEED": "12345",
        "SOURCE_DATE_EPOCH": str(build.epoch()),
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
    }
    subprocess.run([sys.executable, "-c", script], cwd=checkout, env=environ, check=True, capture_output=True)
    for name in (build.NAME, build.LICENCES, build.PARTS_LIST):
        assert (checkout / "dist" / name).read_bytes() == (dist / name).read_bytes(), name
