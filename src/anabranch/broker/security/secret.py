"""Values that are written down nowhere: passwords, keys, tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from anabranch.errors import UserFault

FILE: Final = "file:"
ENVIRONMENT: Final = "env:"
HIDDEN: Final = "(hidden)"
SECRET_BYTES_MAX: Final = 64 * 1024  # of a file; a key is a few KiB


class Secret:
    """Where a secret is: ``file:/path``, ``env:NAME``, or the secret itself. It never shows itself: only
    :meth:`reveal` tells it, and reads files and environment at that moment, so that one that is
    replaced counts from then on."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret; of a file without the line's end. Raises UserFault."""
        text = self._text
        if text.startswith(FILE):
            path = Path(text.removeprefix(FILE))
            try:
                with path.open("rb") as file:
                    content = file.read(SECRET_BYTES_MAX + 1)
                if len(content) > SECRET_BYTES_MAX:
                    raise UserFault(f"the secret in {path} is longer than {SECRET_BYTES_MAX} bytes")
                return content.decode().removesuffix("\n").removesuffix("\r")
            except OSError as error:
                raise UserFault(f"cannot read the secret in {path}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise UserFault(f"the secret in {path} is not UTF-8") from None
        if text.startswith(ENVIRONMENT):
            name = text.removeprefix(ENVIRONMENT)
            if name not in os.environ:
                raise UserFault(f"the secret in the environment variable {name} is not there")
            return os.environ[name]
        return text

    @property
    def reference(self) -> str:
        """As it was written, for another process of this broker. May be the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
