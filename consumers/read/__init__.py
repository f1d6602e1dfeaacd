"""What people and programs read.

``tail``      labelled reviews as they arrive; ``show`` makes one a line of text
``counts``    the counts of products and the rankings, from Redis
``verify``    proof that Redis equals a recount of the scored topic: ``snapshot`` is what Redis holds, ``recount``
              what the topic says, ``compare`` and ``rankings`` find what differs, ``report`` says what came of it
"""
