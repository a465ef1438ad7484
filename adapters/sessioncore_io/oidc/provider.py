"""What an application knows of its provider: the metadata and the keys, fetched when first needed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import Token

from sessioncore import InvalidSetting

from .addresses import check_address
from .failures import BadToken, ProviderUnavailable
from .transport import client_options

LARGEST: Final = 512 * 1024  # bytes of a document
STALE: Final = 3_600_000  # milliseconds after which keys are fetched anew: one may have been withdrawn
REFETCH: Final = 60_000  # milliseconds between two looks for a key that nobody knows
_UNPUBLISHED: Final = "it is signed by a key that the provider does not publish"


class Provider:
    """Read a provider's documents (OpenID Connect Discovery 1.0), and verify what it signed."""

    def __init__(
        self,
        issuer: str,
        algorithms: tuple[str, ...],
        clock: Callable[[], int],
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        if not algorithms or "none" in algorithms or any(name.startswith("HS") for name in algorithms):
            raise InvalidSetting("algorithms", algorithms, "name those that the provider signs with: RS256, ES256")
        self.issuer = check_address("issuer", issuer)
        self.algorithms = algorithms
        self.clock = clock
        self.transport = transport or httpx2.AsyncHTTPTransport()
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._looked_at = self._fetched_at = 0  # when keys were asked for, and when those at hand were
        self._looks = 0
        self._look: asyncio.Task[KeySet] | None = None

    async def metadata(self) -> Mapping[str, Any]:
        """Give the metadata. Raises ``ProviderUnavailable``, also for a document of another issuer."""
        if self._metadata is None:
            found = await self.fetch(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ProviderUnavailable(f"the document of {self.issuer} names another issuer: mend the setting")
            self._metadata = found
        return self._metadata

    async def endpoint(self, name: str) -> str:
        """Give an endpoint's address. Raises ``ProviderUnavailable`` if the provider has none."""
        address = (await self.metadata()).get(name)
        if not isinstance(address, str):
            raise ProviderUnavailable(f"{self.issuer} has no {name}")
        try:
            return check_address(name, address)
        except InvalidSetting as error:
            raise ProviderUnavailable(f"{self.issuer} publishes an address that is none: {error}") from None

    async def verified(self, text: str) -> Token:
        """Verify a signature by the provider's keys, and look again for one that is new.

        Raises ``BadToken``, and ``ProviderUnavailable`` if nobody can tell.
        """
        looks = self._looks
        for keys in (self._key_set, self._newer_keys):
            try:
                return self._decoded(text, await keys())
            except InvalidKeyIdError:
                if self._looks != looks:  # since this token came: so nobody publishes it
                    raise BadToken(_UNPUBLISHED) from None
        raise ProviderUnavailable(f"the keys of {self.issuer} were looked at before this one was asked for: try again")

    async def _newer_keys(self) -> KeySet:
        """Look for a key that nobody knows, but not again and again: anybody can make one up.

        In between nobody knows whether it is new: whoever sent a token by it has to try again, not to give up.
        """
        if not self._is_looking and self.clock() - self._looked_at < REFETCH:
            raise ProviderUnavailable(f"the keys of {self.issuer} were looked at a moment ago: try again in a minute")
        return await self._fetched_keys()

    def _decoded(self, text: str, keys: KeySet) -> Token:
        registry = JWSRegistry(algorithms=list(self.algorithms), strict_check_header=False)
        try:
            return jwt.decode(text, keys, registry=registry)
        except InvalidKeyIdError:
            raise
        except (JoseError, ValueError, UnicodeError, TypeError) as error:
            raise BadToken(f"it cannot be verified ({type(error).__name__})") from None

    async def _key_set(self) -> KeySet:
        if self._keys is None or self.clock() - self._fetched_at > STALE:
            return await self._fetched_keys()
        return self._keys

    @property
    def _is_looking(self) -> bool:
        look = self._look
        return look is not None and not look.done() and look.get_loop() is asyncio.get_running_loop()

    async def _fetched_keys(self) -> KeySet:
        """Fetch the keys; who asks meanwhile waits for the same answer, and no one who gives up takes it away."""
        if self._look is None or not self._is_looking:
            self._looks += 1
            self._looked_at = self.clock()
            self._look = asyncio.get_running_loop().create_task(self._fetch_keys(self._looked_at))
        return await asyncio.shield(self._look)

    async def _fetch_keys(self, looked_at: int) -> KeySet:
        """Fetch the keys; until that has succeeded, those at hand stay."""
        document = await self.fetch(await self.endpoint("jwks_uri"))
        given = document.get("keys")
        keys = [key for key in map(_imported, given if isinstance(given, list) else []) if key is not None]
        if not keys:
            raise ProviderUnavailable(f"the keys of {self.issuer} cannot be read")
        self._keys, self._fetched_at = KeySet(keys), looked_at
        return self._keys

    async def fetch(self, address: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Fetch a document of the provider's. Raises ``ProviderUnavailable``."""
        try:
            async with httpx2.AsyncClient(**client_options(self.transport)) as client:
                answer = await client.get(address, headers={"accept": "application/json", **(headers or {})})
                answer.raise_for_status()
                found = answer.json() if len(answer.content) <= LARGEST else None
        except (httpx2.HTTPError, ValueError) as error:
            raise ProviderUnavailable(f"{address} does not answer ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise ProviderUnavailable(f"{address} answers no JSON object of a sensible size")
        return found


def _imported(data: Any) -> Key | None:
    """Import a key, or nothing: one that is unusable takes no other one away (RFC 7517, section 5)."""
    try:
        key = JWKRegistry.import_key(data)
        _ = key.public_key  # a point that is none is found out only now
    except (JoseError, UnsupportedAlgorithm, AttributeError, KeyError, TypeError, ValueError):
        return None
    return key
