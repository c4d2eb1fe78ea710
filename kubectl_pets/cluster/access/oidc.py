"""The ``oidc`` auth-provider, which kubectl still has: its id-token is a bearer token as long as it is valid.

kubectl asks the issuer for another one when it has run out, and writes that into the kubeconfig. That is left to kubectl.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from kubectl_pets.errors import ConfigError
from kubectl_pets.pasting import kubectl


class _Claims(msgspec.Struct):
    exp: float


def check(config: Mapping[str, str | None]) -> None:
    """What has to be there whether it is used or not. Raises ConfigError."""
    for key in ("idp-issuer-url", "client-id"):
        if not config.get(key):
            raise ConfigError(f"the auth-provider oidc of the user has no {key}")


def id_token(config: Mapping[str, str | None]) -> str:
    """The token of the provider's ``config`` in the kubeconfig. Raises ConfigError where there is none that is still valid."""
    token = config.get("id-token") or ""
    if not token:
        raise ConfigError("the auth-provider oidc of the user has no id-token", hint="log in again, or use the plugin kubelogin")
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (IndexError, ValueError, RecursionError, msgspec.MsgspecError):
        raise ConfigError("the id-token of the auth-provider oidc cannot be read") from None
    if claims.exp <= datetime.now(UTC).timestamp():
        raise ConfigError(
            "the id-token of the auth-provider oidc has run out",
            hint=f"{kubectl('version')} renews it in the kubeconfig; or use the plugin kubelogin",
        )
    return token
