"""The server's keys: the first signs, all verify, and codes are sealed with what they alone know."""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from sessioncore import InvalidSetting

ALGORITHMS: Final = ("RS256", "ES256")
_SEALING: Final = {"alg": "dir", "enc": "A256GCM"}
_LABEL: Final = b"sessioncore oidc: seal"

SigningKey = RSAKey | ECKey


class Keys:
    """Sign with the first key that fits, verify with any, publish the public halves.

    To rotate: put the new key second until every client has fetched it, then first, and take the old one out when its
    last token has expired. Raises ``InvalidSetting`` for a key that signs by neither RS256 nor ES256.
    """

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise InvalidSetting("keys", keys, "pass at least one private key: Keys.generate() makes one")
        for key in keys:
            _alg_of(key)
            if not key.is_private:
                raise InvalidSetting("keys", key.kid, "pass private keys: the public halves follow from them")
        self._set = KeySet(list(keys))
        self._signing: tuple[SigningKey, ...] = tuple(keys)

    @classmethod
    def generate(cls, alg: str = "RS256") -> "Keys":
        """Draw a key. Keep it: a server that forgets its key ends every token it issued."""
        if alg not in ALGORITHMS:
            raise InvalidSetting("alg", alg, f"use one of {', '.join(ALGORITHMS)}")
        return cls([RSAKey.generate_key(2048) if alg == "RS256" else ECKey.generate_key("P-256")])

    @classmethod
    def load(cls, text: str) -> "Keys":
        """Read what ``dump`` wrote: a private JWK set."""
        return cls([key for key in KeySet.import_key_set(json.loads(text)) if isinstance(key, RSAKey | ECKey)])

    def dump(self) -> str:
        """Write the private keys down, for a file that only the server reads."""
        return json.dumps(self._set.as_dict(private=True))

    def __repr__(self) -> str:
        return f"<Keys {', '.join(str(key.kid) for key in self._signing)}>"

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Name what these keys sign with, the preferred one first."""
        return tuple(dict.fromkeys(_alg_of(key) for key in self._signing))

    def jwks(self) -> dict[str, Any]:
        """Give the public keys, to be published."""
        keys = [{**key.as_dict(private=False), "use": "sig", "alg": _alg_of(key)} for key in self._signing]
        return {"keys": keys}

    def signer(self, alg: str = "") -> tuple[str, SigningKey]:
        """Give the algorithm and the first key that signs by it. Raises ``InvalidSetting`` if none does."""
        for key in self._signing:
            if alg in ("", _alg_of(key)):
                return _alg_of(key), key
        raise InvalidSetting("id_token_alg", alg, f"the keys sign by {', '.join(self.algorithms)}")

    def sign(self, claims: Mapping[str, Any], *, typ: str, alg: str = "") -> str:
        """Sign claims as a JWT of this type."""
        name, key = self.signer(alg)
        return jwt.encode({"alg": name, "kid": str(key.kid), "typ": typ}, dict(claims), key, [name])

    def verified(self, token: str, *, typ: str = "") -> dict[str, Any] | None:
        """Give the claims of a JWT that one of these keys signed, whenever; None for any other."""
        try:
            read = jwt.decode(token, self._set, registry=JWSRegistry(algorithms=list(self.algorithms)))
        except (JoseError, ValueError, UnicodeError):
            return None
        return read.claims if typ in ("", read.header.get("typ")) else None

    def seal(self, text: str) -> str:
        """Encrypt a text that only this server reads again."""
        key = self._signing[0]
        return jwe.encrypt_compact({**_SEALING, "kid": str(key.kid)}, text, _sealing_key(key))

    def unseal(self, sealed: str) -> str | None:
        """Give the text back; None for what was not sealed by these keys."""
        for key in self._signing:
            try:
                plain = jwe.decrypt_compact(sealed, _sealing_key(key), [*_SEALING.values()]).plaintext
            except (JoseError, ValueError, UnicodeError):
                continue
            return None if plain is None else plain.decode()
        return None


def _alg_of(key: object) -> str:
    if isinstance(key, RSAKey):
        return "RS256"
    if isinstance(key, ECKey) and key.curve_name == "P-256":
        return "ES256"
    raise InvalidSetting("keys", type(key).__name__, "use RSA keys (RS256) or EC keys on P-256 (ES256)")


def _sealing_key(key: SigningKey) -> OctKey:
    """Derive a key for sealing, so that there is one secret to keep and to rotate."""
    return OctKey.import_key(hmac.digest(key.as_der(private=True), _LABEL, "sha256"))
