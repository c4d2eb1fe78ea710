"""The few requests that the control plane itself has to make, over the standard library alone.

The supervisor must not depend on kubectl, nor on the client library that the project under test uses.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ApiError(Exception):
    """The API server answered with something else than success; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One user's view of one API server. Every call is a connection of its own, so servers may come and go."""

    def __init__(self, port: int, authority: Path, token: str, agent: str = "kubectl-pets-controlplane") -> None:
        self._port = port
        self._authority = authority
        self._token = token
        self._agent = agent

    def get(self, path: str, timeout: float = 10.0) -> Any:
        return json.loads(self.text("GET", path, timeout=timeout))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return json.loads(self.text("POST", path, body, "application/json"))

    def merge(self, path: str, body: Mapping[str, Any]) -> Any:
        return json.loads(self.text("PATCH", path, body, "application/merge-patch+json"))

    def delete(self, path: str) -> Any:
        return json.loads(self.text("DELETE", path))

    def text(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "", timeout: float = 10.0,
    ) -> str:
        """The body of the answer; an ApiError unless it is a success, an OSError where there was none."""
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": self._agent}
        if content_type:
            headers["Content-Type"] = content_type
        context = ssl.create_default_context(cafile=str(self._authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=timeout, context=context)
        try:
            connection.request(method, path, body=_compact(body) if body is not None else None, headers=headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise ApiError(response.status, f"{method} {path}: {response.status} {_message(text)}")
        return text


def _compact(body: Mapping[str, Any]) -> str:
    """As the API server writes JSON itself: the data of a ControllerRevision may not change by a byte."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:300]
