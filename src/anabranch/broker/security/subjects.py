"""From a client certificate's subject to a principal's name: ssl.principal.mapping.rules (KIP-371)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from anabranch.errors import UserFault

_RULE: Final = re.compile(
    r"\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)/((?:\\.|[^\\/])*)/([LU]?))\s*(?:,|\Z)"
)
_GROUP: Final = re.compile(r"\\(.)|\$(\d+)")


class Rule(NamedTuple):
    """``pattern`` None: the name is the subject as it is."""

    pattern: re.Pattern[str] | None
    replacement: str
    case: str

    def apply(self, subject: str) -> str | None:
        """The name, if the rule is for this subject."""
        if self.pattern is None:
            return subject
        found = self.pattern.fullmatch(subject)
        if found is None:
            return None
        matched = found  # for the closure

        def part(reference: re.Match[str]) -> str:
            return reference[1] if reference[1] is not None else matched[int(reference[2])] or ""

        name = _GROUP.sub(part, self.replacement)
        return name.lower() if self.case == "L" else name.upper() if self.case == "U" else name


def parse_rules(text: str) -> tuple[Rule, ...]:
    """``RULE:^CN=(.*?),.*$/$1/L,DEFAULT``: the first that matches decides. Raises UserFault."""
    rules = []
    position = 0
    while position < len(text):
        found = _RULE.match(text, position)
        if found is None:
            raise UserFault(
                f"tls.principal_rules: “{text[position:]}” is no rule; write RULE:pattern/replacement/ "
                "(with L or U behind it for the case), or DEFAULT"
            )
        position = found.end()
        default, pattern, replacement, case = found.groups()
        if default:
            rules.append(Rule(None, "", ""))
            continue
        try:
            compiled = re.compile(pattern.replace("\\/", "/"))
        except re.error as error:
            raise UserFault(f"tls.principal_rules: “{pattern}”: {error}") from None
        groups = [int(one[2]) for one in _GROUP.finditer(replacement) if one[2]]
        if max(groups, default=0) > compiled.groups:
            raise UserFault(f"tls.principal_rules: “{pattern}” has no group ${max(groups)}")
        rules.append(Rule(compiled, replacement, case))
    return tuple(rules) or (Rule(None, "", ""),)


def name_of(rules: tuple[Rule, ...], subject: str) -> str | None:
    """The principal's name for a subject; None if no rule is for it."""
    for rule in rules:
        name = rule.apply(subject)
        if name is not None:
            return name or None
    return None


def subject_of(certificate: bytes) -> str:
    """The subject of a certificate (DER) as RFC 4514 spells it: ``CN=a,OU=b,O=c``."""
    from cryptography import x509

    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
