"""Dead letters back to ``reviews.raw``, each exactly once, however often a redrive is killed or started twice.

``plan``        which of the chosen letters can go back, and why the others should not
``put_back``    the copies and their markers, in transactions

Why no letter goes back twice, and none is forgotten:

1. A copy on the raw topic and the marker on the dead-letter topic are committed in one transaction, or neither is.
2. All redrives of a dead-letter topic share one transactional id. To start is to fence: what an earlier one left open is
   aborted, what it was about to commit is committed, and it can commit nothing more.
3. Only then the topic is read up to its high watermark, open transactions of others included: committed markers may lie
   behind a scorer's open transaction, so the last *stable* offset would not be far enough. What has a marker stays.
"""
