"""Screens written down in tests as they look."""

from textwrap import dedent


def screen(text: str) -> str:
    return dedent(text).strip("\n")
