"""Which quota counts, and how a rate is kept: against plain oracles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.quotas import rules
from anabranch.broker.quotas.bucket import BURST_S, DEBT_S_MAX, Bucket
from anabranch.broker.quotas.rules import CLIENT, IP, USER, Rules, entity_of
from anabranch.errors import ClientFault, Corrupt

NAMES = st.sampled_from([None, "a", "b"])
ENTITIES = st.one_of(
    st.builds(lambda u: entity_of([(USER, u)]), NAMES),
    st.builds(lambda c: entity_of([(CLIENT, c)]), NAMES),
    st.builds(lambda u, c: entity_of([(USER, u), (CLIENT, c)]), NAMES, NAMES),
)


def specificity(entity: rules.Entity) -> tuple[int, ...]:
    """Kafka's order in words: a user before everybody, with it a client id before every client id before
    none; client ids alone come last."""
    parts = dict(entity)
    user = 0 if USER not in parts else 1 if parts[USER] is None else 2
    client = 0 if CLIENT not in parts else 1 if parts[CLIENT] is None else 2
    return (user, client)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(ENTITIES, st.integers(1, 100), max_size=9),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["a", "b", "c"]),
)
def test_the_most_specific_quota_counts(
    values: dict[rules.Entity, int], user: str, client: str
) -> None:
    found = Rules({one: {rules.PRODUCER: value} for one, value in values.items()}).client(
        user, client, rules.PRODUCER
    )
    matching = [
        entity
        for entity in values
        if all(name in (None, user if kind == USER else client) for kind, name in entity)
    ]
    if not matching:
        assert found is None
        return
    best = max(matching, key=specificity)
    assert found is not None and found.entity == best and found.value == values[best]
    # Whoever shares it agrees on user and client id as far as the entity speaks of them.
    kinds = dict(best)
    assert found.scope == (user if USER in kinds else None, client if CLIENT in kinds else None)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("user", "a"), ("user", "b")],
        [("ip", "x"), ("user", "a")],
        [("team", "a")],
        [("user", "")],
    ],
)
def test_what_is_no_entity_is_refused(parts: list[tuple[str, str]]) -> None:
    with pytest.raises(ClientFault):
        entity_of(parts)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        (USER, "no_such", 1),
        (USER, rules.CONNECTIONS, 1),
        (IP, rules.PRODUCER, 1),
        (USER, rules.PRODUCER, 0),
        (USER, rules.PRODUCER, -5),
        (USER, rules.PRODUCER, 1.5),
        (USER, rules.CONSUMER, float("nan")),
        (USER, rules.REQUEST, float("inf")),
    ],
)
def test_values_that_are_none_are_refused(kind: str, key: str, value: float) -> None:
    with pytest.raises(ClientFault):
        rules.check_value(entity_of([(kind, "a")]), key, value)


@given(ENTITIES, st.sampled_from([rules.REQUEST, rules.MUTATION]), st.floats(0.01, 1e9))
def test_a_quota_comes_back_as_it_was_stored(entity: rules.Entity, key: str, value: float) -> None:
    assert rules.decode(rules.encode(entity, key, value)) == (entity, key, value)
    with pytest.raises(Corrupt):
        rules.decode(rules.encode(entity, key, -value))


@settings(max_examples=200, deadline=None)
@given(
    st.floats(1, 1e6),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1e7)), min_size=1, max_size=40),
)
def test_who_waits_as_told_keeps_the_rate_and_is_never_starved(
    rate: float, uses: list[tuple[float, float]]
) -> None:
    now, bucket, used, forgiven = 0.0, Bucket(rate, 0.0), 0.0, 0.0
    for pause, amount in uses:
        now += pause
        before = bucket.available(now)
        wait = bucket.use(amount, now)
        assert 0 <= wait <= DEBT_S_MAX + 1e-6
        forgiven += max(0.0, -(before - amount) - DEBT_S_MAX * rate)
        used += amount
        now += wait
        assert bucket.available(now) >= -rate * 1e-6
    # What was used is what the rate gave, the burst, and what was forgiven.
    assert used <= rate * (now + BURST_S) * (1 + 1e-6) + forgiven * (1 + 1e-6) + 1e-3
