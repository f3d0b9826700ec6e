"""The catalogue as consumer groups see it (:class:`anabranch.groups.topics.TopicView`)."""

from __future__ import annotations

from anabranch.groups.topics import TopicShape
from anabranch.log.catalogue import Catalogue


class CatalogueTopics:
    """Asks the catalogue; only the set of all names is kept, for who subscribes by pattern."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names: frozenset[str] = frozenset()
        self._names_version = -1

    @property
    def version(self) -> int:
        return self._catalogue.changes

    def shape(self, name: str) -> TopicShape | None:
        topic = self._catalogue.topic(name)
        return None if topic is None else TopicShape(topic.id, topic.partitions)

    def name(self, topic_id: bytes) -> str | None:
        topic = self._catalogue.topic_by_id(topic_id)
        return None if topic is None else topic.name

    def names(self) -> frozenset[str]:
        if self._names_version != self.version:
            self._names_version = self.version
            self._names = frozenset(topic.name for topic in self._catalogue.topics())
        return self._names
