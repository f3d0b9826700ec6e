"""One broker config under Kafka's name: what it is here, and how it is changed if it can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from anabranch.broker.config import BrokerSettings
from anabranch.log.config import ConfigDef, ConfigValue


class BrokerConfig(NamedTuple):
    """One of Kafka's broker configs: what it is here, and how it is changed if it can be."""

    definition: ConfigDef
    value: Callable[[BrokerSettings], str]
    change: Callable[[BrokerSettings, ConfigValue], BrokerSettings] | None = None

    @property
    def dynamic(self) -> bool:
        """Whether it can be changed while the broker runs."""
        return self.change is not None
