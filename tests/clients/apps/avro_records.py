"""Writes or reads records whose schemas are in a registry: `avro_records.py write|read OPTIONS` (JSON)."""

import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

verb, options = sys.argv[1], json.loads(sys.argv[2])
registry = SchemaRegistryClient({"url": options["registries"]})
context = SerializationContext(options["topic"], MessageField.VALUE)


def write():
    producer = Producer({"bootstrap.servers": options["bootstrap"], "enable.idempotence": True})
    # The schema was registered, with the registry's checks, before.
    settings = {"auto.register.schemas": False}
    serialize = AvroSerializer(registry, options["schema"], conf=settings)

    def heard(error, message):
        if error:
            raise RuntimeError(error)
        print(json.dumps({"event": "acked", "id": int(message.key())}), flush=True)

    for record in options["records"]:
        value = serialize(record, context)
        producer.produce(options["topic"], value, str(record["id"]), on_delivery=heard)
        producer.poll(0)
        time.sleep(options["pause_seconds"])
    producer.flush()


def read():
    consumer = Consumer({"bootstrap.servers": options["bootstrap"], "group.id": "unused"})
    parts = range(options["partitions"])
    consumer.assign([TopicPartition(options["topic"], number, 0) for number in parts])
    deserialize = AvroDeserializer(registry, options["schema"])
    for _ in range(options["count"]):
        message = consumer.poll(60)
        if message is None or message.error():
            raise RuntimeError(message and message.error())
        record = deserialize(message.value(), context)
        print(json.dumps({"event": "read", "record": record}), flush=True)
    consumer.close()


{"write": write, "read": read}[verb]()
