"""Texts to sentiments in three steps: tokenise, run, decode.

``bundle`` opens and checks a model folder, ``session`` chooses where it runs, ``runner`` knows how it runs best there,
``engine`` joins the steps.
"""
