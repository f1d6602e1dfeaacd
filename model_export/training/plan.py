"""What one training run does, as options name it and as a file can hold it; and plans to begin with.

Torch is not imported here, so that the command's help is there at once.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from model_export.data.cleaning import Cleaning
from model_export.networks.design import Pooling
from schemas.errors import ConfigurationError

DEFAULT_ARCHITECTURE = "sentence-transformers/all-MiniLM-L6-v2"
FROM_SCRATCH = ("textcnn", "bilstm", "lstm")

Mode = Literal["full", "lora", "frozen"]
Balance = Literal["domain", "class", "none"]
Schedule = Literal["linear", "cosine", "constant"]


def _field(group: str, description: str, **bounds: Any) -> Any:
    return Field(description=description, json_schema_extra={"group": group}, **bounds)


NETWORK, TEXT, WORDS, MODE, STEPS, LOSS, RUN = (
    "Network",
    "Text",
    "Networks from scratch",
    "What is trained",
    "Steps",
    "Loss",
    "Run",
)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TrainingPlan:
    """Every field is an option of ``train``. The defaults are what is usual for fine-tuning an encoder (Devlin et al. 2019, appendix A.3)."""

    architecture: Annotated[
        str,
        _field(
            NETWORK,
            "A transformer of the hub or in a folder (BERT, DistilBERT, RoBERTa, XLM-R, MiniLM, GPT-2, XLNet, ...), or one from "
            "scratch: textcnn, bilstm, lstm.",
        ),
    ] = DEFAULT_ARCHITECTURE
    layers: Annotated[
        int | None,
        _field(
            NETWORK,
            "Keep so many lowest layers of a transformer: half of them score twice as many reviews; unset: all.",
            ge=1,
        ),
    ] = None
    begin_with: Annotated[
        str | None,
        _field(
            NETWORK,
            "Folder of a checkpoint or a bundle of the same architecture whose weights to begin with, head included; where it has "
            "more layers than are kept, with its lowest.",
        ),
    ] = None
    pooling: Annotated[
        Pooling | None,
        _field(
            NETWORK, "Which token vectors of a transformer stand for a review; unset: what suits its kind."
        ),
    ] = None
    dropout: Annotated[float, _field(NETWORK, "In the head.", ge=0, lt=1)] = 0.1
    encoder_dropout: Annotated[
        float, _field(NETWORK, "Inside a transformer, or of word vectors.", ge=0, lt=1)
    ] = 0.1
    hidden_units: Annotated[
        int, _field(NETWORK, "Width of a layer between encoder and outputs, such as 1024; 0 for none.", ge=0)
    ] = 0
    batch_norm: Annotated[bool, _field(NETWORK, "Batch norm in the head.")] = False

    cleaning: Annotated[
        Cleaning,
        _field(
            TEXT,
            "What the tokenizer rewrites in every text, in training and serving alike. markup: control characters, white space, "
            "HTML, URLs; the others take punctuation or stop words too (docs/training-data.md).",
        ),
    ] = Cleaning.MARKUP

    vocabulary_size: Annotated[int, _field(WORDS, "Words kept, the commonest.", ge=10)] = 30_000
    word_size: Annotated[int, _field(WORDS, "Length of a word vector.", ge=1)] = 300
    word_passes: Annotated[
        int, _field(WORDS, "Passes of Word2Vec over the texts; 0 begins with random vectors.", ge=0)
    ] = 5
    units: Annotated[
        int, _field(WORDS, "Feature maps of each filter width, or LSTM units in each direction.", ge=1)
    ] = 100

    mode: Annotated[
        Mode,
        _field(
            MODE,
            "full: every weight; lora: low-rank updates of a transformer (Hu et al. 2021) and the head; frozen: the head alone.",
        ),
    ] = "full"
    frozen_layers: Annotated[
        int,
        _field(MODE, "So many lowest layers of a transformer stay as they are, and its embeddings.", ge=0),
    ] = 0
    quantise_aware: Annotated[
        bool,
        _field(
            MODE,
            "Train the checkpoint in begin-with further on the grid of values that int8 has, so that the export need not round.",
        ),
    ] = False
    lora_rank: Annotated[int, _field(MODE, "Of the updates.", ge=1)] = 8
    lora_alpha: Annotated[int, _field(MODE, "Updates count alpha / rank times.", ge=1)] = 16

    epochs: Annotated[float, _field(STEPS, "Passes over the reviews.", gt=0)] = 3.0
    crops: Annotated[
        int,
        _field(
            STEPS,
            "So many pieces of one to three sentences of each longer review are trained on too, for short texts.",
            ge=0,
        ),
    ] = 0
    max_length: Annotated[
        int, _field(STEPS, "Tokens of a review that are read; of longer ones the first and the last.", ge=2)
    ] = 256
    tokens_per_batch: Annotated[int, _field(STEPS, "Padded tokens of one step.", ge=1)] = 4096
    learning_rate: Annotated[float, _field(STEPS, "Of AdamW, at the top of the network.", gt=0)] = 2e-5
    layer_decay: Annotated[
        float,
        _field(
            STEPS,
            "Each layer learns at this share of the rate of the one above (Sun et al. 2019, section 5.3.3).",
            gt=0,
            le=1,
        ),
    ] = 1.0
    weight_decay: Annotated[float, _field(STEPS, "Of AdamW; biases and norms have none.", ge=0)] = 0.01
    warmup_share: Annotated[
        float, _field(STEPS, "Share of the steps in which the rate rises.", ge=0, lt=1)
    ] = 0.06
    schedule: Annotated[
        Schedule, _field(STEPS, "How the rate goes after that; linear and cosine end at 0.")
    ] = "linear"
    gradient_norm: Annotated[float, _field(STEPS, "Longer gradients are cut to this; 0 cuts none.", ge=0)] = (
        1.0
    )

    teacher: Annotated[
        str | None,
        _field(
            LOSS,
            "Folder of a checkpoint or a bundle, of any architecture, whose probabilities are learned beside the labels (Hinton et "
            "al. 2015); what has no label learns them alone.",
        ),
    ] = None
    teacher_share: Annotated[
        float, _field(LOSS, "How much the teacher's probability counts where there is a label.", ge=0, le=1)
    ] = 0.5
    teacher_vectors: Annotated[
        float,
        _field(
            LOSS,
            "How much it counts that the vector of a review points where the teacher's does (Sanh et al. 2019). The teacher must be a "
            "checkpoint with the same tokenizer and a vector of the same length.",
            ge=0,
        ),
    ] = 0.0
    label_smoothing: Annotated[
        float, _field(LOSS, "How far labels are drawn to 0.5: stars are noisy.", ge=0, lt=1)
    ] = 0.0
    intensity_weight: Annotated[
        float, _field(LOSS, "Share of the intensity output, which only reviews with stars can teach.", ge=0)
    ] = 0.3
    balance: Annotated[
        Balance,
        _field(LOSS, "Weigh the rarer class up: within each domain, over all reviews, or not at all."),
    ] = "domain"
    heaviest_weight: Annotated[float, _field(LOSS, "No review weighs more than this.", ge=1)] = 3.0

    patience: Annotated[
        int | None,
        _field(
            RUN,
            "Stop when the loss on the development reviews has not fallen for so many measurements; unset: never. The best "
            "network is kept either way.",
            ge=1,
        ),
    ] = None
    save_steps: Annotated[
        int, _field(RUN, "Save and measure after so many steps, and at least once an epoch.", ge=1)
    ] = 200
    seed: Annotated[int, _field(RUN, "The same seed gives the same network on the same machine.", ge=0)] = 7
    bf16: Annotated[
        bool | None, _field(RUN, "Calculate in bfloat16; unset: where the machine is made for it.")
    ] = None


PRESETS: Mapping[str, TrainingPlan] = {
    "encoder": TrainingPlan(),
    "lora": TrainingPlan(mode="lora", learning_rate=5e-4, encoder_dropout=0.0),
    "frozen": TrainingPlan(mode="frozen", learning_rate=1e-3, epochs=10, encoder_dropout=0.0),
    "from-scratch": TrainingPlan(
        architecture="textcnn",
        learning_rate=1e-3,
        epochs=5,
        dropout=0.5,  # Kim 2014, section 3.1
        encoder_dropout=0.2,
        max_length=400,
    ),
    "default-model": TrainingPlan(
        architecture="BAAI/bge-small-en-v1.5",
        layers=6,
        cleaning=Cleaning.NONE,
        crops=2,
        epochs=1.5,
        max_length=160,
        tokens_per_batch=2048,
        learning_rate=1.2e-4,
        layer_decay=0.9,
        encoder_dropout=0.05,
        teacher_share=0.6,
    ),
}
"""Plans to begin with. ``default-model`` makes a network of the kind that ships; docs/model.md tells of its teacher."""


def preset_for(architecture: str, mode: Mode) -> str:
    """The name of the preset that suits an architecture and a mode."""
    if architecture in FROM_SCRATCH:
        return "from-scratch"
    return "encoder" if mode == "full" else mode


def read_plan(path: Path) -> dict[str, Any]:
    """The fields of a plan in TOML, or in the ``training.json`` of an earlier run; any of them may be left out.

    Raises:
        ConfigurationError: it cannot be read, or a field is unknown or out of its bounds.
    """
    try:
        text = path.read_text(encoding="utf-8")
        fields = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as a plan: {error}") from error
    if not isinstance(fields, dict):
        raise ConfigurationError(f"{path}: a plan is a table of fields")
    make_plan(fields, place=f"{path}: ")
    return fields


def make_plan(chosen: Mapping[str, Any], preset: str | None = None, place: str = "") -> TrainingPlan:
    """What was chosen, and for the rest the preset; without one, that which suits the architecture and the mode.

    Raises:
        ConfigurationError: a field is unknown or out of its bounds.
    """
    if preset is None:
        preset = preset_for(str(chosen.get("architecture", DEFAULT_ARCHITECTURE)), chosen.get("mode", "full"))
    base = asdict(PRESETS[preset] if preset in PRESETS else TrainingPlan())
    try:
        return TypeAdapter(TrainingPlan).validate_python(base | dict(chosen))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{place}{name}: {first['msg']}") from error


def write_plan(plan: TrainingPlan, path: Path) -> None:
    """As JSON that ``read_plan`` reads."""
    path.write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
