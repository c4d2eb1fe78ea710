"""Start fast: a library is loaded by the screen that needs it, and by no other."""

import subprocess
import sys

import pytest

_SLOW = ("rich", "tabulate", "yaml", "kubernetes")


@pytest.mark.parametrize(
    ("drawn", "loaded"),
    [
        ("tree.draw(builders.stuck(), builders.NOW, colour=True)", ""),
        ("partition.draw(builders.stuck())", ""),
        ("documents.one(builders.stuck(), 'json')", ""),
        ("documents.one(builders.stuck(), 'yaml')", "yaml"),
        ("table.table([builders.stuck()], builders.NOW)", ""),
        ("markdown.table(['pod'], [['web-0']])", "tabulate"),
    ],
)
def test_loads_only_what_it_needs(drawn: str, loaded: str) -> None:
    program = (
        "import sys\n"
        "from kubectl_pets.views import live\n"
        "from kubectl_pets.views.rollout import decisions, documents, lines, partition, plan, table, tree, words\n"
        "from kubectl_pets.views.text import markdown\n"
        "from tests.views import builders\n"
        f"{drawn}\n"
        f"print(*(name for name in {_SLOW} if name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == loaded
