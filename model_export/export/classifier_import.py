"""An existing sentiment classifier of transformers as a network of our two logits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    pipeline,
)

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.outputs import Outputs, read_outputs
from model_export.export.parity import accuracy
from model_export.export.variants import refuse_unreadable_length, torch_logits
from schemas.errors import BundleError

Floats = npt.NDArray[np.float64]

PARITY_TEXTS = 200
PROBABILITY_TOLERANCE = 1e-3
"""Between our probabilities and those of transformers' own pipeline; a hundredth of it is usual."""


class ImportedClassifier(nn.Module):
    """``input_ids`` and ``attention_mask``, both int64 (batch, tokens) -> logits, float (batch, 2).

    With p the softmax over the outputs, so of the classifier's own probabilities:

    - polarity = log(p(positive outputs) / p(negative outputs)): the odds once the middle is left out;
    - intensity of a five-star classifier = log((p1 + p5) / (p2 + p4));
    - intensity of another = abs(polarity) - ``usual``: strong is what the classifier is surer of than usual.
    """

    usual: Tensor

    def __init__(self, model: PreTrainedModel, outputs: Outputs) -> None:
        super().__init__()
        self.model = model
        self.outputs = outputs
        self.register_buffer("usual", torch.zeros(()))

    @property
    def intensity_rule(self) -> str:
        """How the intensity is derived, in a sentence for the model card."""
        if self.outputs.extreme:
            return "Strong is what the classifier gives one or five stars rather than two or four."
        return "The classifier grades nothing: strong is what it is surer of than of half of the held-out reviews."

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        given = self.model(input_ids=input_ids, attention_mask=attention_mask).logits.float()
        polarity = _log_odds(given, self.outputs.positive, self.outputs.negative)
        if self.outputs.extreme:
            intensity = _log_odds(given, self.outputs.extreme, self.outputs.moderate)
        else:
            intensity = polarity.abs() - self.usual
        return torch.stack([polarity, intensity], dim=1)


def _log_odds(given: Tensor, these: Sequence[int], those: Sequence[int]) -> Tensor:
    return given[:, list(these)].logsumexp(dim=1) - given[:, list(those)].logsumexp(dim=1)


def import_classifier(
    folder: Path, held_out: Sequence[LabelledReview], *, max_length: int, outputs: Sequence[str] | None = None
) -> tuple[ImportedClassifier, TextEncoder]:
    """Load the classifier in ``folder``, and prove that it says what transformers' pipeline says.

    Args:
        folder: as ``save_pretrained`` writes it, of any encoder with a sequence-classification head.
        held_out: labelled reviews; the first ``PARITY_TEXTS`` are compared, and give what is usual.
        max_length: tokens of a text that the served model reads.
        outputs: what each output stands for, in their order, where the configuration's names do not say it.

    Raises:
        BundleError: it is no such classifier, its probabilities come out differently, or it is wrong more often than
            right, as one whose outputs stand the other way round.
    """
    model, encoder = _load(folder, max_length)
    names = list(outputs or _names(model.config))
    if len(names) != model.config.num_labels:
        raise BundleError(f"{folder}: it has {model.config.num_labels} outputs, not {len(names)}")
    network = ImportedClassifier(model, read_outputs(names)).eval()
    reviews = [review for review in held_out if review.polarity is not None][:PARITY_TEXTS]
    token_ids = encoder.encode([review.text for review in reviews])
    refuse_unreadable_length(network, token_ids, max_length)
    logits = torch_logits(network, token_ids, encoder.pad_id)
    right = accuracy(logits, np.array([review.polarity for review in reviews]))
    if right < 0.5:
        raise BundleError(
            f"{folder}: right on {right:.0%} of the first {len(reviews)} held-out reviews; do its outputs stand the "
            "other way round? Say what they are in their order, as in --outputs positive,negative"
        )
    short = [row for row, ids in enumerate(token_ids) if len(ids) < max_length]
    compare_with_pipeline(folder, network.outputs, [reviews[row].text for row in short], logits[short])
    if not network.outputs.extreme:
        network.usual.fill_(float(np.median(np.abs(logits[:, 0]))))
    return network, encoder


def _load(folder: Path, max_length: int) -> tuple[PreTrainedModel, TextEncoder]:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder)
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        if (folder / "tokenizer.json").exists():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    except Exception as error:  # transformers, tokenizers and safetensors raise whatever they meet
        raise BundleError(
            f"{folder}: no classifier of transformers can be loaded from it: {error}"
        ) from error
    if config.problem_type not in (None, "single_label_classification"):
        raise BundleError(f"{folder}: it is for {config.problem_type}, so its outputs are no alternatives")
    encoder = TextEncoder(tokenizer, max_length)
    encoder.pad_id = config.pad_token_id or 0
    return model, encoder


def _names(config: PretrainedConfig) -> list[str]:
    names = {int(number): str(name) for number, name in (config.id2label or {}).items()}
    return [names[number] for number in sorted(names)]


def compare_with_pipeline(folder: Path, outputs: Outputs, texts: Sequence[str], logits: Floats) -> None:
    """Compare P(positive) with what the pipeline gives on texts that need no cutting, whose rule differs.

    Raises:
        BundleError: a probability differs.
    """
    classify: Any = pipeline("text-classification", model=str(folder), device="cpu", top_k=None)
    names = _names(classify.model.config)
    given = np.empty((len(texts), len(names)))
    for row, answer in enumerate(classify(list(texts))):
        by_name = {str(output["label"]): output["score"] for output in answer}
        given[row] = [by_name[name] for name in names]
    positive, negative = (given[:, list(side)].sum(axis=1) for side in (outputs.positive, outputs.negative))
    difference = float(np.abs(positive / (positive + negative) - expit(logits[:, 0])).max(initial=0.0))
    if not difference <= PROBABILITY_TOLERANCE:
        raise BundleError(
            f"{folder}: a probability differs from that of transformers' pipeline by {difference:.2g}; allowed: "
            f"{PROBABILITY_TOLERANCE}. Does tokenizer.json belong to this model?"
        )
