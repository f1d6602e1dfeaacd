"""Run one target under the coverage-guided fuzzer: ``python tests/fuzz/fuzz.py TARGET [options of libFuzzer]``.

It starts from the inputs that are kept, and writes what breaks a target to the current folder as ``crash-*``. Make such
an input small, give it a name, keep it in ``inputs/TARGET``: the default test run replays all of them.
"""

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["schemas", "consumers", "jsonschema", "published_schemas", "json"]):
    from mutator import mutate
    from targets import INPUTS, TARGETS


def main() -> None:
    """Fuzz until the options say stop, or something breaks."""
    program, name, *options = sys.argv
    kept = [path.read_bytes() for path in sorted((INPUTS / name).iterdir())]
    corpus = Path(f".fuzz-{name}")  # what the fuzzer finds worth keeping for its next run
    corpus.mkdir(exist_ok=True)

    def custom_mutator(value: bytes, max_size: int, seed: int) -> bytes:
        """Two in three times a change of the JSON, else one of the bytes; often of a kept input.

        Of code that is not instrumented, as the tokenizers' is, the fuzzer keeps nothing but its shortest inputs.
        """
        dice = random.Random(seed)
        if dice.random() < 1 / 3:
            value = dice.choice(kept)
        mutated = mutate(value, dice) if dice.random() < 2 / 3 else None
        if mutated is None or len(mutated) > max_size:
            return bytes(atheris.Mutate(value, max_size))
        return mutated

    atheris.Setup(
        [program, *options, str(corpus), str(INPUTS / name)], TARGETS[name], custom_mutator=custom_mutator
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
