"""What was examined, in the formats that its readers expect. Each is loaded only where it is asked for."""

from kubectl_pets.domain.doctor.checkup import Checkup

FORMATS = ("table", "wide", "json", "yaml", "jsonl", "sarif", "junit", "github", "openmetrics", "html")


def summary(seen: Checkup) -> str:
    """Markdown for the summary of a step of GitHub Actions."""
    from kubectl_pets.views.doctor import pipelines, table

    return pipelines.summary(seen, table.total(seen))


def document(seen: Checkup, output: str) -> str:
    """For programs. ``output``: one of ``FORMATS``, and no table."""
    match output:
        case "html":
            from kubectl_pets.views.doctor.page import html

            return html(seen)
        case "sarif" | "junit" | "github" | "openmetrics":
            from kubectl_pets.views.doctor import pipelines

            write = {
                "sarif": pipelines.sarif,
                "junit": pipelines.junit,
                "github": pipelines.github,
                "openmetrics": pipelines.openmetrics,
            }[output]
            return write(seen)
        case _:
            from kubectl_pets.views.doctor import documents

            return documents.document(seen, output)
