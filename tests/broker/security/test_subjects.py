"""ssl.principal.mapping.rules, by Kafka's own examples (KIP-371)."""

from __future__ import annotations

import pytest

from anabranch.broker.security.subjects import name_of, parse_rules
from anabranch.errors import UserFault

RULES = (
    "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,"
    "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,"
    "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,"
    "DEFAULT"
)


@pytest.mark.parametrize(
    ("rules", "subject", "name"),
    [
        (RULES, "CN=Duke,OU=ServiceUsers,O=Org,C=US", "Duke"),
        (RULES, "CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US", "duke@sme"),
        (RULES, "cn=JohnDoe,ou=x", "johndoe"),
        (RULES, "O=nobody", "O=nobody"),
        ("DEFAULT", "CN=a,O=b", "CN=a,O=b"),
        ("", "CN=a,O=b", "CN=a,O=b"),
        (r"RULE:^CN=(.*?)$/$1/U", "CN=a", "A"),
        (r"RULE:^CN=(.*?)\/(.*)$/$2\/$1/ , DEFAULT", "CN=a/b", "b/a"),
        (r"RULE:CN=(a),.*/user-$1/", "CN=a,O=b", "user-a"),
        (r"RULE:CN=a/x/", "CN=a,O=b", None),
        (r"RULE:CN=(x)?a/$1/", "CN=a", None),
    ],
)
def test_the_first_rule_that_matches_names_the_principal(
    rules: str, subject: str, name: str | None
) -> None:
    assert name_of(parse_rules(rules), subject) == name


@pytest.mark.parametrize(
    "rules", ["default", "RULE:a/b", "RULE:a/b/X", "RULE:(/b/", "RULE:(a)/$2/", "DEFAULT;DEFAULT"]
)
def test_what_is_no_rule_is_refused(rules: str) -> None:
    with pytest.raises(UserFault, match=r"tls\.principal_rules"):
        parse_rules(rules)
