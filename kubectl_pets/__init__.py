"""Verbs for StatefulSets that kubectl lacks."""

__version__ = "0.1.0"
