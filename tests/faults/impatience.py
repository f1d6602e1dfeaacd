"""Settings of a broker that gives up silent clients soon, so that tests need not wait for it."""

IMPATIENT = {
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}
