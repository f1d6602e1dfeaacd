"""From labelled reviews to a model bundle: data -> train -> evaluate -> export.

``data`` reads labelled reviews, ``network`` is the model, ``train`` fine-tunes it into a checkpoint folder,
``calibrate`` and ``evaluate`` measure it, ``export`` writes the bundle that the scorer loads. Torch lives here only.
"""
