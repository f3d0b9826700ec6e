"""The broker is killed with -9, again and again, under concurrent production and group consumption.

After every life: each acknowledged record is there once, in order, at the offset it was acknowledged
with (I1, I2, I4, I5), and no committed offset went back (I4).
"""

from __future__ import annotations

import os
import random
import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from .conftest import BrokerProcess
from .load import QUIET, TOPIC, Load, assert_kept, assert_told_the_truth

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

PARTITIONS = 4
KILLS = int(os.environ.get("FAULT_KILLS", "36"))
SEED = int(os.environ.get("FAULT_SEED", str(random.SystemRandom().randrange(10**9))))


def test_I1_I2_I4_I5_nothing_acknowledged_is_lost_doubled_or_moved(broker: BrokerProcess) -> None:
    print(f"repeat with FAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    rng = random.Random(SEED)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, **QUIET})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS)]).values():
        future.result(30)
    with Load(broker.bootstrap, PARTITIONS, producers=3, consumers=2) as load:
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.1, 1.5))
            broker.kill()
            promised = load.ledger.promised()
            broker.start()
            assert_kept(broker.bootstrap, promised)
        time.sleep(2)
    assert_told_the_truth(load, broker.bootstrap, events=KILLS)
    assert broker.stop() == 0
