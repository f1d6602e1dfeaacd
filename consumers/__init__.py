"""From Kafka to counts.

The path of a record, in order:

``intake``      polls records as a member of a consumer group
``decode``      bytes -> review event, or the reason why not
``batch``       cuts the stream into micro-batches, the unit of a transaction and of a GPU call
``infer``       texts -> sentiments: tokenise, run, decode
``publish``     labelled events, dead letters and offsets, in one transaction
``score``       the scorer: the loop that joins the five
``aggregate``   labelled events -> exact counts in Redis
``read``        what people and programs read: tail, counts, verify, dead letters
``redrive``     dead letters back to where they came from

``records`` is what the stages hand on; ``dead_letters`` makes a dead letter of a refused record.
``process`` holds what every long-running process needs: signals, outage deadline, health file, instance id.
``spread`` keeps each product in its partition of the scored topic.
``rebalances`` records what a rebalance took and gave; ``silence`` tells a quiet topic from a Kafka that is away; ``topic_reader`` reads a topic outside any group.
"""
