"""The Kafka that we run. After a change here, ``python -m embedded.lock`` writes ``jars.lock`` anew."""

KAFKA = "4.4.0"
SCALA = "2.13"
SLF4J = "2.0.17"  # the slf4j-api that this Kafka brings

#: What is asked of Maven Central; the lock file lists these and all that they need.
ROOTS = (
    f"org.apache.kafka:kafka_{SCALA}:{KAFKA}",
    f"org.slf4j:slf4j-simple:{SLF4J}",  # prints Kafka's warnings, so that a failed start can say why
)
