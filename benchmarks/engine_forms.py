"""The forms in which the engine can run a bundle: precisions, batch shapes, threads and sessions, by provider."""

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
import torch
from onnxruntime.transformers.convert_to_packing_mode import PackingMode
from onnxruntime.transformers.onnx_model import OnnxModel

from benchmarks.fixed_shapes import FixedShapes, open_for_graphs
from consumers.infer.bundle import Bundle
from consumers.infer.engine import cores
from consumers.infer.runner import OneByOne, Outcome, PaddedBatches, RunFailure, Runner
from consumers.infer.session import PRECISIONS, OnnxNetwork, open_session
from model_export.export.variants import torch_logits
from model_export.training.checkpoint import load_checkpoint
from schemas.errors import BundleError
from schemas.manifest import SERVED_ALONE, Precision
from schemas.settings import Provider

BATCH = 8

Reviews = Sequence[Sequence[int]]
Form = Callable[[Reviews], float | None]
"""Runs reviews; tells the CPU seconds of another process that did it, if one did."""


def cpu_forms(bundle: Bundle) -> dict[str, Form]:
    """Every precision for a CPU that the bundle has, in each way of calling."""
    pad = bundle.manifest.pad_token_id
    made: dict[str, Form] = {}
    for precision in _precisions(bundle, Provider.CPU):
        one_thread = start(bundle, precision, Provider.CPU, threads=1)
        all_cores = start(bundle, precision, Provider.CPU, threads=cores())
        padded = PaddedBatches(all_cores, pad)
        made |= {
            f"{precision}, one review a call, a call on each core": whole(OneByOne(one_thread, cores())),
            f"{precision}, one review a call, one core": whole(OneByOne(one_thread, 1)),
            f"{precision}, one review a call, one session of all cores": whole(OneByOne(all_cores, 1)),
            f"{precision}, batches of {BATCH} in arrival order, one session of all cores": by_eight(padded),
            f"{precision}, batches of {BATCH} by length, one session of all cores": sorted_first(
                by_eight(padded)
            ),
        }
    return made


def cuda_forms(bundle: Bundle, work: Path, checkpoint: Path | None, provider: Provider) -> dict[str, Form]:
    """Every precision for a GPU that the bundle has: one review a call, by token budget, in few shapes, without padding; and torch.

    Args:
        bundle: with fp16, or fp32, or both.
        work: takes the padding-free network.
        checkpoint: what the bundle was exported from, for torch; without it torch is left out.
        provider: ``cuda``. With ``cpu`` the same code runs there, without the padding-free form, whose
            operators only a GPU has.
    """
    pad = bundle.manifest.pad_token_id
    device = "cuda" if provider is Provider.CUDA else "cpu"
    made: dict[str, Form] = {}
    for precision in (of for of in _precisions(bundle, Provider.CUDA) if of not in SERVED_ALONE):
        network = start(bundle, precision, provider, threads=1)
        made[f"{precision}, one review a call"] = whole(OneByOne(network, 1))
        made[f"{precision}, reviews of like length by token budget"] = whole(PaddedBatches(network, pad))
        content = bundle.content[bundle.variant(precision).file]
        for how, session in (
            ("memory bound once", network.session),
            ("memory bound once, CUDA graphs", open_for_graphs(content, provider)),
        ):
            made[f"{precision}, few shapes, {how}"] = whole(
                FixedShapes(session, device, pad, bundle.manifest.max_length)
            )
        if precision == "fp16" and provider is Provider.CUDA:
            packed = write_padding_free(content, work)
            unpadded = OnnxNetwork(open_session(packed, provider, 1), provider, "fp16")
            made["fp16, padding-free, by token budget"] = whole(PaddedBatches(unpadded, pad))
    if checkpoint is not None:
        network_of_torch = load_checkpoint(checkpoint).eval().to(device)
        for precision in ("fp32", "fp16"):
            made[f"torch {precision}, 32 reviews of like length"] = _torch_form(
                network_of_torch, pad, device, halves=precision == "fp16"
            )
    return made


def write_padding_free(fp16: bytes, work: Path) -> bytes:
    """The network with padding taken out before the first layer and put back after the last (onnxruntime's packing mode).

    Raises:
        BundleError: its attention is not fused, so nothing can be packed.
    """
    source = work / "padded.onnx"
    source.write_bytes(fp16)  # the converter infers shapes, which may go through files
    model = OnnxModel(onnx.load(source))
    PackingMode(model).convert()
    if not model.get_nodes_by_op_type("RemovePadding"):
        raise BundleError("the padding of this network cannot be taken out: its attention is not fused")
    content: bytes = model.model.SerializeToString()
    return content


def start(bundle: Bundle, precision: Precision, provider: Provider, threads: int) -> OnnxNetwork:
    """A network with threads of its own."""
    content = bundle.content[bundle.variant(precision).file]
    return OnnxNetwork(open_session(content, provider, threads), provider, precision)


def whole(runner: Runner) -> Form:
    """All reviews in one call of the runner."""
    return lambda reviews: _all_read(runner(reviews))


def by_eight(runner: Runner) -> Form:
    """Eight reviews a call, in the order given."""

    def run(reviews: Reviews) -> None:
        for first in range(0, len(reviews), BATCH):
            _all_read(runner(reviews[first : first + BATCH]))

    return run


def sorted_first(form: Form) -> Form:
    """The form on reviews by length."""
    return lambda reviews: form(sorted(reviews, key=len))


def _precisions(bundle: Bundle, provider: Provider) -> list[Precision]:
    has = {variant.precision for variant in bundle.manifest.variants}
    return [precision for precision in PRECISIONS[provider] if precision in has]


def _all_read(outcomes: Sequence[Outcome]) -> None:
    """A form that failed on reviews would look fast."""
    for outcome in outcomes:
        if isinstance(outcome, RunFailure):
            raise BundleError(f"the network fails on a review: {outcome.detail}")


def _torch_form(network: torch.nn.Module, pad: int, device: str, *, halves: bool) -> Form:
    # The CPU's products in fp16 are emulated, bf16 stands in for them there.
    kind = torch.float16 if device == "cuda" else torch.bfloat16

    def run(reviews: Reviews) -> None:
        with torch.autocast(device, dtype=kind, enabled=halves):
            torch_logits(network, reviews, pad)

    return run
