"""What travels between the stages: events, dead letters, topics, Redis keys, the bundle's manifest, settings, errors.

Nothing here imports another package of ours, connects to a server or reads a model.
"""
