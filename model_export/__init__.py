"""From labelled reviews to a model bundle: data -> networks -> training -> evaluation -> export.

``data`` reads labelled reviews, ``networks`` are what learns, ``training`` fine-tunes one into a checkpoint folder,
``evaluation`` measures it, ``export`` writes the bundle that the scorer loads. Torch lives here only.
"""
