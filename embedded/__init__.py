"""A real Apache Kafka and a real Valkey from pip packages alone: no Docker, no Java of the system.

They listen on free loopback ports, keep their data in a temporary folder unless one is given, and end with the process
that started them. The demo and the tests run on them; production brings its own Kafka and Redis.

``kafka`` and ``valkey`` are the servers; below them ``broker`` is one Kafka node, ``java`` and ``jars`` are what it
runs on, ``processes`` is what all servers share.
"""

from embedded.kafka import KafkaCluster
from embedded.valkey import ValkeyServer

__all__ = ["KafkaCluster", "ValkeyServer"]
