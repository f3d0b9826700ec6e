"""Positions of ``FlinkKafkaConsumer``, the source before ``KafkaSource``, gone in Flink 2.

Its union list state ``topic-partition-offset-states`` holds (``KafkaTopicPartition``, i64), the first by
Kryo 2.24: class, then fields by name: ``cachedHash``, ``partition``, ``topic``. The hash is one of the
other two, so a misreading shows.
"""

from __future__ import annotations

from anabranch.recovery.checkpoints.binary import Reader
from anabranch.recovery.checkpoints.flink_state import Split

TOPIC_CHARACTERS_MAX = 249  # Kafka's own limit

_NOT_NULL = 1  # Kryo's mark before an object that is met for the first time


def legacy_position(entry: Reader) -> Split:
    """The partition and its *last processed* offset. Raises Corrupt."""
    _varint(entry)  # the class, by its number in the job's registration
    _expect(entry)
    hashed = _zigzag(_varint(entry))
    partition = _zigzag(_varint(entry))
    _expect(entry)
    at = entry.position
    topic = _string(entry)
    offset = entry.i64()
    entry.end()
    if partition < 0 or hashed != _signed32(31 * _java_hash(topic) + partition):
        raise entry.corrupt(f"“{topic[:40]}” and {partition} are not what their hash says", at)
    return Split(topic, partition, offset, None)


def _expect(entry: Reader) -> None:
    if entry.u8() != _NOT_NULL:
        raise entry.corrupt("a partition without a value", entry.position - 1)


def _varint(entry: Reader) -> int:
    value = 0
    for shift in range(0, 35, 7):
        byte = entry.u8()
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFF
    raise entry.corrupt("a number of more than five bytes")


def _zigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


def _string(entry: Reader) -> str:
    """ASCII whose last byte has its high bit set, or a length with that bit and UTF-8."""
    at = entry.position
    first = entry.u8()
    if first & 0x80:
        length = first & 0x3F
        if first & 0x40:
            more = entry.u8()
            length |= (more & 0x7F) << 6
            if more & 0x80:
                raise entry.corrupt("a topic's name of more than 8,191 characters", at)
        # Lengths are one more than the characters; topics have ASCII characters alone.
        characters = bytes(entry.take(max(0, length - 1)))
    else:
        taken = bytearray([first])
        while len(taken) <= TOPIC_CHARACTERS_MAX:
            byte = entry.u8()
            taken.append(byte & 0x7F)
            if byte & 0x80:
                break
        characters = bytes(taken)
    if not 0 < len(characters) <= TOPIC_CHARACTERS_MAX or not characters.isascii():
        raise entry.corrupt("a topic's name that Kafka would not take", at)
    return characters.decode("ascii")


def _java_hash(text: str) -> int:
    value = 0
    for character in text:
        value = value * 31 + ord(character) & 0xFFFFFFFF
    return value


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
