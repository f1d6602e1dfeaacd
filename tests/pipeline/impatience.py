"""Settings of a broker that gives up silent clients soon, so that tests need not wait for it."""

IMPATIENT = {
    "group.min.session.timeout.ms": "1000",
    # Half the default. A broker that looks for such transactions before its restart is over leaves them open for ever:
    # see test_ended_transactions.py.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "5000",
}
