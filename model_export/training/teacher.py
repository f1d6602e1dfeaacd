"""A teacher: a network, usually a larger one, whose probabilities another learns beside the labels.

Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network". A probability says more than a label: how
sure one can be of a text, and whether its label is likely to be wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from scipy.special import expit
from tokenizers import Tokenizer

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.variants import Advance, onnx_logits, torch_logits
from model_export.networks.classifier import ReviewClassifier
from model_export.training.begin import Beginning
from model_export.training.checkpoint import TRAINING_FILE, WEIGHTS_FILE, load_checkpoint
from model_export.training.machine import calculates_in_bf16
from model_export.training.plan import TrainingPlan, read_plan
from schemas.errors import ConfigurationError
from schemas.manifest import MANIFEST_FILE, TOKENIZER_FILE, Manifest, Precision

Floats = npt.NDArray[np.float64]

TEACHER_FILE = "teacher.npy"

TEXTS_AT_A_TIME = 2048
"""What the teacher says is saved after so many texts, about a minute of a small transformer on two cores."""

MOST_EXACT: tuple[Precision, ...] = ("fp32", "int8", "fp16")
"""Variants of a bundle, the one to ask first; on a CPU fp16 is the slowest."""


@dataclass(frozen=True)
class Teacher:
    """Reads texts in its own way, and says how likely they are positive, and strong."""

    encoder: TextEncoder
    logits: Callable[[Sequence[Sequence[int]], Advance], Floats]
    """Token ids of reviews -> (reviews, 2)."""
    temperatures: tuple[float, float] = (1.0, 1.0)
    """Of both outputs: probability = sigmoid(logit / temperature)."""
    network: ReviewClassifier | None = None
    """Of a checkpoint, which also gives the vectors of reviews."""


def open_teacher(folder: Path, plan: TrainingPlan) -> Teacher:
    """The network of a checkpoint, run by torch, or of a bundle, run by onnxruntime.

    Args:
        folder: of either.
        plan: of the student: whether to calculate in bfloat16, and tokens to read where the teacher does not say.

    Raises:
        ConfigurationError: the folder holds neither.
    """
    if (folder / WEIGHTS_FILE).exists():
        return _checkpoint(folder, plan)
    if (folder / MANIFEST_FILE).exists():
        return _bundle(folder)
    raise ConfigurationError(
        f"teacher {folder}: neither a checkpoint ({WEIGHTS_FILE}) nor a bundle ({MANIFEST_FILE})"
    )


def vector_teacher(
    plan: TrainingPlan, teacher: Teacher | None, student: Beginning
) -> ReviewClassifier | None:
    """The network whose vectors the student learns beside each step; None where the plan asks for none.

    Kept on disk, its vectors would take a kilobyte a text.

    Raises:
        ConfigurationError: there is no such teacher, or it reads in another way.
    """
    if not plan.teacher_vectors:
        return None
    if teacher is None or teacher.network is None:
        raise ConfigurationError("teacher_vectors: only a checkpoint as teacher gives its vectors")
    network = teacher.network
    if network.width != student.network.width:
        raise ConfigurationError(
            f"teacher_vectors: the teacher's have {network.width} numbers, the student's {student.network.width}"
        )
    if teacher.encoder.tokenizer.get_vocab() != student.tokenizer.get_vocab():
        raise ConfigurationError("teacher_vectors: the teacher has another tokenizer")
    return network.eval().requires_grad_(requires_grad=False)


def taught(
    reviews: Sequence[LabelledReview],
    teacher: Teacher,
    share: float,
    cache: Path,
    watch: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 -- nobody watches
) -> list[LabelledReview]:
    """Reviews whose targets are mixed of label and teacher; where there is no label, of the teacher alone.

    Args:
        reviews: any.
        teacher: to ask.
        share: of the teacher in the mixture, 0 to 1.
        cache: file of its answers, in the order of the reviews; those that it holds are not asked for again.
        watch: told how many texts were read, of how many.
    """
    answers = soft_labels([review.text for review in reviews], teacher, cache, watch)
    return [
        replace(
            review,
            polarity=_mixed(review.polarity, polarity, share),
            intensity=_mixed(review.intensity, intensity, share),
        )
        for review, (polarity, intensity) in zip(reviews, answers.tolist(), strict=True)
    ]


def soft_labels(
    texts: Sequence[str], teacher: Teacher, cache: Path, watch: Callable[[int, int], None]
) -> Floats:
    """P(positive) and P(strong) of each text, (texts, 2); what was asked before comes from ``cache``."""
    answers: Floats = np.load(cache) if cache.exists() else np.empty((0, 2))
    read = len(answers)

    def advance(more: int) -> None:
        nonlocal read
        read += more
        watch(read, len(texts))

    for begin in range(len(answers), len(texts), TEXTS_AT_A_TIME):
        token_ids = teacher.encoder.encode(texts[begin : begin + TEXTS_AT_A_TIME])
        logits = teacher.logits(token_ids, advance)
        answers = np.concatenate([answers, expit(logits / np.array(teacher.temperatures))])
        _save(answers, cache)
    return answers


def _mixed(label: float | None, answer: float, share: float) -> float:
    return answer if label is None else (1 - share) * label + share * answer


def _save(answers: Floats, cache: Path) -> None:
    """Whole, or as it was before."""
    fresh = cache.with_suffix(".new.npy")
    np.save(fresh, answers)
    fresh.replace(cache)


def _checkpoint(folder: Path, plan: TrainingPlan) -> Teacher:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_checkpoint(folder).to(device)
    fields = read_plan(folder / TRAINING_FILE) if (folder / TRAINING_FILE).exists() else {}
    encoder = TextEncoder.from_folder(folder, fields.get("max_length", plan.max_length))
    halves = calculates_in_bf16() if plan.bf16 is None else plan.bf16

    def logits(token_ids: Sequence[Sequence[int]], advance: Advance) -> Floats:
        with torch.autocast(device.type, torch.bfloat16, enabled=halves):
            return torch_logits(network, token_ids, encoder.pad_id, advance)

    return Teacher(encoder, logits, network=network)


def _bundle(folder: Path) -> Teacher:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    except ValidationError as error:
        raise ConfigurationError(
            f"teacher {folder}: {MANIFEST_FILE} cannot be read: {error.errors()[0]['msg']}"
        ) from error
    files = {variant.precision: variant.file for variant in manifest.variants}
    path = folder / next(files[precision] for precision in MOST_EXACT if precision in files)
    encoder = TextEncoder(Tokenizer.from_file(str(folder / TOKENIZER_FILE)), manifest.max_length)
    polarity, intensity = manifest.heads
    return Teacher(
        encoder,
        lambda token_ids, advance: onnx_logits(path, token_ids, advance),
        (polarity.temperature, intensity.temperature),
    )
