"""Which words decided a review's label, from the bundle alone.

``reading`` finds the words in what the model reads of a text, ``occlusion`` takes them away and looks what changes;
``apart`` does so in a process of its own.
"""
