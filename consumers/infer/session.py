"""Start an ONNX session on the provider that was asked for, or fail: never a silent fall-back."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from consumers.infer.bundle import Bundle
from consumers.infer.external_data import refuse_external_data
from schemas.errors import BundleError, ProviderError
from schemas.manifest import Precision
from schemas.settings import Provider

log = logging.getLogger(__name__)

CUDA_PROVIDER = "CUDAExecutionProvider"
CPU_PROVIDER = "CPUExecutionProvider"

PRECISIONS: Mapping[Provider, tuple[Precision, ...]] = {
    Provider.CUDA: ("fp16", "fp32", "int8"),
    Provider.CPU: ("int8", "fp32"),
}
"""Which variant suits a provider, best first: CPUs have fast int8 products, GPUs fast halves."""

SLOWER_FUSIONS: Mapping[Provider, tuple[str, ...]] = {
    Provider.CUDA: (),
    Provider.CPU: ("SkipLayerNormFusion",),
}
"""Rewritings of the graph that cost time: on a CPU, layer norm with its residual is a scalar loop in onnxruntime 1.31
(0.25 ms for 108 tokens of 384 channels), the two apart are vectorised (0.05 ms)."""

Tokens = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


class Network(Protocol):
    """The part of a model session that scoring needs."""

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        """Int64 (batch, tokens) twice -> float32 (batch, 2)."""


@dataclass(frozen=True)
class OnnxNetwork:
    """A network on one execution provider; safe to call from several threads."""

    session: onnxruntime.InferenceSession
    provider: Provider
    precision: Precision

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        logits: Logits = self.session.run(None, feeds)[0]
        return logits


def start_network(bundle: Bundle, requested: Provider, threads_per_call: int = 1) -> OnnxNetwork:
    """Load the variant that suits the provider and check where it really runs.

    Args:
        bundle: the model.
        requested: where to run it.
        threads_per_call: on a CPU; 1 where callers bring the threads, one review each.

    Raises:
        ProviderError: ``cuda`` was asked for and does not work here.
        BundleError: onnxruntime cannot read the file.
    """
    if requested is not Provider.AUTO:
        network = _start(bundle, requested, threads_per_call)
    else:
        try:
            network = _start(bundle, Provider.CUDA, threads_per_call)
        except ProviderError as error:
            log.info("provider auto: cpu, because %s", error)
            network = _start(bundle, Provider.CPU, threads_per_call)
    log.info("model %s runs on %s in %s", bundle.reference.version, network.provider, network.precision)
    return network


def _start(bundle: Bundle, provider: Provider, threads_per_call: int) -> OnnxNetwork:
    wanted = CUDA_PROVIDER if provider is Provider.CUDA else CPU_PROVIDER
    if wanted not in onnxruntime.get_available_providers():
        raise ProviderError("this build of onnxruntime has no CUDA; install onnxruntime-gpu (Linux, x86-64)")
    if provider is Provider.CUDA and not os.path.exists("/dev/nvidiactl"):  # noqa: PTH110 -- a device, not a file
        raise ProviderError(
            "no NVIDIA device is visible (/dev/nvidiactl is missing); give the container GPUs, or use provider cpu"
        )
    variant = bundle.variant(*PRECISIONS[provider])
    try:
        refuse_external_data(bundle.content[variant.file])
    except ValueError as error:
        raise BundleError(f"{variant.file} cannot be used: {error}") from error
    try:
        session = open_session(bundle.content[variant.file], provider, threads_per_call)
    except Exception as error:  # onnxruntime's own classes share no base but Exception
        raise BundleError(f"onnxruntime cannot load {variant.file}: {error}") from error
    if session.get_providers()[0] != wanted:
        raise ProviderError(
            f"onnxruntime fell back to {session.get_providers()[0]}; are CUDA and cuDNN installed?"
        )
    return OnnxNetwork(session, provider, variant.precision)


def open_session(
    content: bytes,
    provider: Provider,
    threads_per_call: int,
    provider_options: Mapping[str, str] = MappingProxyType({}),
) -> onnxruntime.InferenceSession:
    """A network as it is served; raises whatever onnxruntime does.

    Args:
        content: of an ONNX file without external data.
        provider: ``cpu`` or ``cuda``; where it really runs, the session tells.
        threads_per_call: as for ``start_network``.
        provider_options: what onnxruntime lets this provider be told.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads_per_call
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others share the cores
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; callers check what matters
    wanted = CUDA_PROVIDER if provider is Provider.CUDA else CPU_PROVIDER
    return onnxruntime.InferenceSession(
        content,
        options,
        providers=[(wanted, dict(provider_options))],
        disabled_optimizers=SLOWER_FUSIONS[provider],
    )
