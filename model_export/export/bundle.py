"""A trained checkpoint -> a bundle, written only once every variant is proved to agree with the network."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.calibrate import fit_bias, fit_review_threshold, fit_temperature
from model_export.export.int8 import quantise_int8
from model_export.export.onnx_graph import INPUTS, OPSET, OUTPUT, export_fp32, onnx_logits
from model_export.networks.classifier import ReviewClassifier
from model_export.training.batches import pad
from model_export.training.train import load_checkpoint
from schemas.errors import BundleError
from schemas.manifest import MANIFEST_FILE, TOKENIZER_FILE, FileDigest, Head, Manifest, Precision, Variant

Floats = npt.NDArray[np.float64]

FP32_TOLERANCE = 1e-3
"""Largest difference of a logit between torch and ONNX in fp32; a tenth of it is usual."""

PARITY_TEXTS = 200
TORCH_BATCH = 32

INT8_ACCURACY_DROP = 0.005
"""Share of held-out reviews by which int8 may be worse than fp32 before the export is refused."""


@dataclass(frozen=True)
class BundleDescription:
    """What the manifest says of a model in words."""

    name: str
    description: str
    base_model: str
    licence: str
    data: str


def export(
    checkpoint: Path,
    held_out: Sequence[LabelledReview],
    output: Path,
    description: BundleDescription,
    *,
    max_length: int,
    precisions: Sequence[Precision] = ("int8",),
) -> Manifest:
    """Calibrate on ``held_out``, export, prove parity, and put the bundle into the folder ``output``.

    Args:
        checkpoint: folder written by ``train``.
        held_out: labelled reviews that were not trained on.
        output: bundle folder; an older one is replaced only by a complete new one.
        description: words for the manifest.
        max_length: tokens of a text that the served model reads.
        precisions: variants to include, of ``int8`` and ``fp32``; the first one is calibrated.

    Raises:
        BundleError: a variant differs from the trained network by more than the stated tolerance.
    """
    model = load_checkpoint(checkpoint)
    encoder = TextEncoder.from_folder(checkpoint, max_length)
    reviews = [review for review in held_out if review.polarity is not None]
    token_ids = encoder.encode([review.text for review in reviews])
    polarity = np.array([review.polarity for review in reviews])

    with torch.no_grad():
        model.heads.bias[0] += fit_bias(torch_logits(model, token_ids, encoder.pad_id)[:, 0], polarity)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        logits = _write_variants(model, encoder, token_ids, polarity, folder)
        served = logits[precisions[0]]
        temperature = fit_temperature(served[:, 0], polarity)
        scores = expit(served[:, 0] / temperature)
        for unwanted in logits.keys() - set(precisions):
            (folder / f"model.{unwanted}.onnx").unlink()
        encoder.tokenizer.save(str(folder / TOKENIZER_FILE))
        manifest = Manifest(
            name=description.name,
            description=description.description,
            heads=(
                Head(name="polarity", labels=("negative", "positive"), temperature=temperature),
                Head(
                    name="intensity",
                    labels=("weak", "strong"),
                    temperature=_intensity_temperature(reviews, served),
                ),
            ),
            max_length=max_length,
            pad_token_id=encoder.pad_id,
            review_threshold=fit_review_threshold(scores, polarity),
            variants=tuple(
                Variant(file=f"model.{precision}.onnx", precision=precision) for precision in precisions
            ),
            opset=OPSET,
            inputs=INPUTS,
            output=OUTPUT,
            base_model=description.base_model,
            licence=description.licence,
            data=description.data,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics={
                f"held_out_accuracy_{name}": round(_accuracy(values, polarity), 4)
                for name, values in sorted(logits.items())
            },
            files={path.name: _digest(path) for path in sorted(folder.iterdir())},
        )
        (folder / MANIFEST_FILE).write_text(manifest.to_json())
        _replace(folder, output)
    return manifest


def torch_logits(model: ReviewClassifier, token_ids: Sequence[Sequence[int]], pad_id: int) -> Floats:
    """Logits (reviews, 2) of the torch network, in batches of like length."""
    order = sorted(range(len(token_ids)), key=lambda row: len(token_ids[row]))
    logits = np.empty((len(token_ids), 2))
    with torch.inference_mode():
        for start in range(0, len(order), TORCH_BATCH):
            rows = order[start : start + TORCH_BATCH]
            logits[rows] = model(*pad([token_ids[row] for row in rows], pad_id)).numpy()
    return logits


def _write_variants(
    model: ReviewClassifier,
    encoder: TextEncoder,
    token_ids: Sequence[Sequence[int]],
    polarity: Floats,
    folder: Path,
) -> dict[str, Floats]:
    """Write both precisions and prove each against the one before; held-out logits by precision."""
    fp32, int8 = folder / "model.fp32.onnx", folder / "model.int8.onnx"
    export_fp32(model, fp32)
    logits = {"fp32": onnx_logits(fp32, token_ids)}
    of_torch = torch_logits(model, token_ids[:PARITY_TEXTS], encoder.pad_id)
    difference = float(np.abs(of_torch - logits["fp32"][:PARITY_TEXTS]).max())
    if not difference <= FP32_TOLERANCE:  # the way round that refuses NaN, a network that diverged
        raise BundleError(
            f"ONNX fp32 differs from torch by {difference:.2g} in a logit; allowed: {FP32_TOLERANCE}"
        )
    quantise_int8(fp32, int8, token_ids)
    logits["int8"] = onnx_logits(int8, token_ids)
    drop = _accuracy(logits["fp32"], polarity) - _accuracy(logits["int8"], polarity)
    if drop > INT8_ACCURACY_DROP:
        raise BundleError(f"int8 is worse than fp32 by {drop:.4f} in accuracy; allowed: {INT8_ACCURACY_DROP}")
    return logits


def _intensity_temperature(reviews: Sequence[LabelledReview], logits: Floats) -> float:
    rows = [row for row, review in enumerate(reviews) if review.intensity is not None]
    if not rows:
        return 1.0
    return fit_temperature(logits[rows, 1], np.array([reviews[row].intensity for row in rows]))


def _accuracy(logits: Floats, polarity: Floats) -> float:
    return float(((logits[:, 0] >= 0) == (polarity == 1)).mean())


def _digest(path: Path) -> FileDigest:
    content = path.read_bytes()
    return FileDigest(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _replace(folder: Path, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_name(output.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(folder, fresh)
    fresh.chmod(0o755)  # a temporary folder is for its owner only; a bundle is served by others
    shutil.rmtree(output, ignore_errors=True)
    fresh.rename(output)
