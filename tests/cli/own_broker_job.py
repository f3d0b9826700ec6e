"""A job that knows nothing of replays: doubles what is in ``orders`` into ``out``, in transactions."""

import os
import signal
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap = {"bootstrap.servers": os.environ["ANABRANCH_BOOTSTRAP"]}
stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
admin = AdminClient(bootstrap)
for made in admin.create_topics([NewTopic("made-by-the-job", 1)]).values():
    with suppress(KafkaException):  # it is there, if this is not the first start
        made.result(60)
consumer = Consumer({**bootstrap, "group.id": "app", "enable.auto.commit": False})
consumer.subscribe(["orders"])
producer = Producer({**bootstrap, "transactional.id": "app"})
producer.init_transactions(60)
while not stopping:
    messages = consumer.consume(100, 0.2)
    if not messages:
        continue
    producer.begin_transaction()
    for message in messages:
        assert message.error() is None, message.error()
        producer.produce("out", str(2 * int(message.value())))
    places = consumer.position(consumer.assignment())
    producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata(), 60)
    producer.commit_transaction(60)
consumer.close()
