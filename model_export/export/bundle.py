"""A trained network -> a bundle, written only once every variant is proved to agree with the network."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from torch import nn

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.calibrate import fit_bias, fit_review_threshold, fit_temperature
from model_export.export.grid import Grid
from model_export.export.neighbours import ORDERS
from model_export.export.onnx_graph import INPUTS, OPSET, OUTPUT
from model_export.export.parity import accuracy, prove_parity, refuse_infinite
from model_export.export.variants import (
    Shifted,
    onnx_logits,
    prove_independence,
    refuse_unreadable_length,
    torch_logits,
    write_variants,
)
from model_export.training.train import load_checkpoint
from schemas.manifest import MANIFEST_FILE, TOKENIZER_FILE, FileDigest, Head, Manifest, Precision, Variant

Floats = npt.NDArray[np.float64]

Progress = Callable[[int, int], None]
"""Is told how many reviews were run, of how many in all."""


@dataclass(frozen=True)
class BundleDescription:
    """What the manifest says of a model in words."""

    name: str
    description: str
    base_model: str
    licence: str
    data: str
    languages: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


def export(
    checkpoint: Path,
    held_out: Sequence[LabelledReview],
    output: Path,
    description: BundleDescription,
    *,
    max_length: int,
    precisions: Sequence[Precision] = ("int8",),
    progress: Progress = lambda _done, _total: None,
) -> Manifest:
    """Export the checkpoint that ``train`` wrote into the folder ``checkpoint``; see ``write_bundle``."""
    network = load_checkpoint(checkpoint)
    encoder = TextEncoder.from_folder(checkpoint, max_length)
    return write_bundle(
        network,
        encoder,
        held_out,
        output,
        description,
        precisions,
        grid=Grid.load(checkpoint),
        progress=progress,
    )


def write_bundle(
    network: nn.Module,
    encoder: TextEncoder,
    held_out: Sequence[LabelledReview],
    output: Path,
    description: BundleDescription,
    precisions: Sequence[Precision] = ("int8",),
    *,
    grid: Grid | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Manifest:
    """Calibrate on ``held_out``, export, prove parity, and put the bundle into the folder ``output``.

    Args:
        network: in evaluation mode; int64 (batch, tokens) twice -> logits, float (batch, 2).
        encoder: of the tokens that the served model reads.
        held_out: labelled reviews that were not trained on.
        output: bundle folder; an older one is replaced only by a complete new one.
        description: words for the manifest.
        precisions: variants to include; the first one is calibrated.
        grid: int8 grid that the network was trained on, so that int8 has the very same weights.
        progress: is told how far the work is.

    Raises:
        BundleError: a variant differs from the trained network by more than its precision may, a score depends on its
            neighbours, the network cannot read as many tokens as the encoder gives, or it has left its grid.
    """
    reviews = [review for review in held_out if review.polarity is not None]
    token_ids = encoder.encode([review.text for review in reviews])
    polarity = np.array([review.polarity for review in reviews])
    refuse_unreadable_length(network, token_ids, encoder.max_length)
    meter = _Meter(progress, len(reviews) * (1 + len({"fp32", *precisions}) + ORDERS * len(precisions)))

    of_torch = torch_logits(network, token_ids, encoder.pad_id, meter.advance)
    refuse_infinite("the trained network", of_torch)
    bias = fit_bias(of_torch[:, 0], polarity)
    of_torch[:, 0] += bias
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        paths = write_variants(Shifted(network, bias).eval(), precisions, folder, token_ids, grid)
        logits = {name: onnx_logits(path, token_ids, meter.advance) for name, path in paths.items()}
        served = logits[precisions[0]]
        heads = _heads(reviews, served, polarity)
        temperatures = (heads[0].temperature, heads[1].temperature)
        parities = {
            name: prove_parity(name, of_torch, values, polarity, temperatures)
            for name, values in logits.items()
        }
        neighbours = {
            name: prove_independence(
                paths[name], name, token_ids, encoder.pad_id, logits[name], temperatures, meter.advance
            )
            for name in precisions
        }
        for unwanted in paths.keys() - set(precisions):
            paths[unwanted].unlink()
        encoder.tokenizer.save(str(folder / TOKENIZER_FILE))
        manifest = Manifest(
            name=description.name,
            description=description.description,
            heads=heads,
            max_length=encoder.max_length,
            pad_token_id=encoder.pad_id,
            review_threshold=fit_review_threshold(expit(served[:, 0] / temperatures[0]), polarity),
            variants=tuple(
                Variant(
                    file=paths[name].name, precision=name, parity=parities[name], neighbours=neighbours[name]
                )
                for name in precisions
            ),
            opset=OPSET,
            inputs=INPUTS,
            output=OUTPUT,
            base_model=description.base_model,
            licence=description.licence,
            data=description.data,
            languages=description.languages,
            limits=description.limits,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics=_metrics(of_torch, logits, polarity),
            files={path.name: _digest(path) for path in sorted(folder.iterdir())},
        )
        (folder / MANIFEST_FILE).write_text(manifest.to_json())
        _replace(folder, output)
    return manifest


class _Meter:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._done = 0
        self._total = total

    def advance(self, reviews: int) -> None:
        self._done += reviews
        self._progress(self._done, self._total)


def _heads(reviews: Sequence[LabelledReview], served: Floats, polarity: Floats) -> tuple[Head, Head]:
    rows = [row for row, review in enumerate(reviews) if review.intensity is not None]
    intensity = np.array([reviews[row].intensity for row in rows])
    return (
        Head(
            name="polarity",
            labels=("negative", "positive"),
            temperature=fit_temperature(served[:, 0], polarity),
        ),
        Head(
            name="intensity",
            labels=("weak", "strong"),
            temperature=fit_temperature(served[rows, 1], intensity) if rows else 1.0,
        ),
    )


def _metrics(of_torch: Floats, logits: Mapping[Precision, Floats], polarity: Floats) -> dict[str, float]:
    """Accuracy on the held-out reviews of the network and of each precision, and what each precision costs."""
    reference = accuracy(of_torch, polarity)
    metrics = {"held_out_reviews": float(len(polarity)), "held_out_accuracy_torch": round(reference, 4)}
    for name, values in sorted(logits.items()):
        metrics[f"held_out_accuracy_{name}"] = round(accuracy(values, polarity), 4)
        metrics[f"accuracy_drop_{name}"] = round(reference - accuracy(values, polarity), 4)
    return metrics


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
