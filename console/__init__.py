"""The ``reviewstream`` command: one module for each kind of user, and nothing but wiring."""
