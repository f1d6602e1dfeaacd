"""The customer-service desk: what waits for a person, who works on it, and what they say of it.

``waiting`` reads what waits, ``order`` says what comes first, ``tickets`` keeps all in that order, ``line`` holds the
whole queue, ``claims`` who works on what,
``desk`` is what agents do.
"""
