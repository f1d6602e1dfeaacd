"""Labelled events to exact counts in Redis.

``contribution`` is what one review adds, ``view`` and its Lua scripts apply it, ``aggregator`` is the loop,
``fold`` the same counting in plain Python, which ``verify`` and the tests compare with.
"""
