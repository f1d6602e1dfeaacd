"""A report on a period: what changed, whether it is more than noise, what customers wrote, and who needs somebody.

``counted``    the scored topic folded as ``verify`` folds it: counts of both periods, and which reviews stand for a product
``findings``   what differs by more than chance
``contents``   all that a report says; ``make`` puts it together
``plots``, ``writing``  for people and for programs
"""
