"""Publishes reviews from files: read -> check -> send.

``readers`` turns JSON Lines, CSV (``table``) and standard input into lines, one at a time, each with its number;
``publisher`` checks every line as the scorer will, sends what passes under the key of its product, at the pace of
``rate``, and looks at the result of every send. A line that cannot be read, checked or delivered is reported with its
number and counted, and the rest goes on. Memory stays flat however long a file or a line is.
"""
