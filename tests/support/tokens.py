"""An issuer of tokens for tests: keys, a JWKS, and JWTs with whatever in them."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


class Issuer:
    """Has one RSA key, or one on a curve with ``algorithm`` ES256."""

    def __init__(self, kid: str = "k1", algorithm: str = "RS256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.key: Any
        if algorithm.startswith("ES"):
            self.key = ec.generate_private_key(ec.SECP256R1())
            self._jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        else:
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self._jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        return {**self._jwk, "kid": self.kid, "use": "sig", **changes}

    def token(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return jwt.encode(
            claims, self.key, self.algorithm, headers={"kid": self.kid, **(header or {})}
        )


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()
