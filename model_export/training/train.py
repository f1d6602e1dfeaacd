"""Fine-tune a pretrained encoder on labelled reviews: one function, one checkpoint folder."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import AutoConfig, AutoModel, Trainer, TrainingArguments, set_seed

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.networks.classifier import ReviewClassifier, masked_loss
from model_export.training.batches import TokenBatches, TokenisedReviews, pad

WEIGHTS_FILE = "weights.safetensors"
ENCODER_FOLDER = "encoder"
TRAINING_FILE = "training.json"


@dataclass(frozen=True)
class TrainingPlan:
    """What one fine-tuning run does. The defaults suit a 6-layer MiniLM and some ten thousand reviews."""

    epochs: float = 1.5
    tokens_per_batch: int = 4096
    max_length: int = 192
    """Tokens of a review seen in training; more may be read when serving, since the network pools by mean."""
    learning_rate: float = 1.5e-4
    """Of the heads and the last layer."""
    layer_decay: float = 0.8
    """Each layer below learns at this share of the one above (Sun et al. 2019, section 5.3.3)."""
    weight_decay: float = 0.01
    warmup_share: float = 0.06
    label_smoothing: float = 0.1
    intensity_weight: float = 0.3
    heaviest_weight: float = 3.0
    """Bound of the weights that balance the two classes within each domain."""
    dropout: float = 0.1
    seed: int = 7
    save_steps: int = 200
    """A killed run can go on from the last multiple of this."""
    bf16: bool = True


class ReviewTrainer(Trainer):
    """transformers' Trainer with the parts that are this task's own: loss, token batches, layer-wise rates."""

    def __init__(self, plan: TrainingPlan, encoder: TextEncoder, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._plan = plan
        self._pad_id = encoder.pad_id

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002 -- the loss is a mean of its own
    ) -> Any:
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        loss = masked_loss(
            logits,
            inputs["labels"],
            inputs["weights"],
            smoothing=self._plan.label_smoothing,
            intensity_weight=self._plan.intensity_weight,
        )
        return (loss, {"logits": logits}) if return_outputs else loss

    def get_train_dataloader(self) -> DataLoader[Any]:
        reviews = self.train_dataset
        assert isinstance(reviews, TokenisedReviews)
        batches = TokenBatches(
            [len(ids) for ids in reviews.token_ids], self._plan.tokens_per_batch, self._plan.seed
        )
        loader = DataLoader(reviews, batch_sampler=batches, collate_fn=self._collate)
        # Only a prepared loader tells the batches which epoch it is; a plain one repeats the first.
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, *_: Any) -> torch.optim.Optimizer:
        assert isinstance(self.model, ReviewClassifier)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self._plan), weight_decay=0.0)
        return self.optimizer

    def _collate(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        input_ids, attention_mask = pad([row["input_ids"] for row in rows], self._pad_id)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "labels": torch.tensor([row["labels"] for row in rows]),
            "weights": torch.tensor([row["weight"] for row in rows]),
        }


def parameter_groups(model: ReviewClassifier, plan: TrainingPlan) -> list[dict[str, Any]]:
    """One group a layer, its rate decayed from the top; biases and norms get no weight decay."""
    layers: int = model.encoder.config.num_hidden_layers

    def depth_below_top(name: str) -> int:
        if ".layer." in name:
            return layers - 1 - int(name.split(".layer.")[1].split(".", maxsplit=1)[0])
        return layers if name.startswith("encoder.") else 0

    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        depth, decays = depth_below_top(name), parameter.ndim > 1
        group = groups.setdefault(
            (depth, decays),
            {
                "params": [],
                "lr": plan.learning_rate * plan.layer_decay**depth,
                "weight_decay": plan.weight_decay if decays else 0.0,
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def train(
    reviews: Iterable[LabelledReview], base: Path, output: Path, plan: TrainingPlan, *, resume: bool = False
) -> Path:
    """Fine-tune the encoder in folder ``base`` and write the checkpoint folder ``output``.

    With ``resume`` a killed run goes on from its last saved step; otherwise saved steps in ``output`` are removed.
    """
    set_seed(plan.seed)
    encoder = TextEncoder.from_folder(base, plan.max_length)
    model = ReviewClassifier.from_pretrained(base, plan.dropout)
    dataset = TokenisedReviews(list(reviews), encoder, plan.heaviest_weight)
    work = output / "steps"
    if not resume:
        shutil.rmtree(work, ignore_errors=True)  # a later resume must not find the steps of an older run
    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=1,  # unused: TokenBatches decides
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup_share,
        max_grad_norm=1.0,
        bf16=plan.bf16,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=50,
        save_steps=plan.save_steps,
        save_total_limit=2,
        report_to="none",
        seed=plan.seed,
        remove_unused_columns=False,
        accelerator_config={"dispatch_batches": False, "even_batches": False},
    )
    trainer = ReviewTrainer(plan, encoder, model=model, args=arguments, train_dataset=dataset)
    trainer.train(resume_from_checkpoint=resume and any(work.glob("checkpoint-*")))
    save_checkpoint(model, base, output, plan)
    return output


def save_checkpoint(model: ReviewClassifier, base: Path, output: Path, plan: TrainingPlan) -> None:
    """Write weights (safetensors), the encoder's configuration, the tokenizer and the plan."""
    output.mkdir(parents=True, exist_ok=True)
    model.encoder.config.save_pretrained(output / ENCODER_FOLDER)
    save_file(model.state_dict(), output / WEIGHTS_FILE)
    shutil.copyfile(base / "tokenizer.json", output / "tokenizer.json")
    (output / TRAINING_FILE).write_text(json.dumps(asdict(plan), indent=2) + "\n")


def load_checkpoint(folder: Path) -> ReviewClassifier:
    """The trained network of a checkpoint folder, in evaluation mode, float32, on the CPU."""
    config = AutoConfig.from_pretrained(folder / ENCODER_FOLDER)
    encoder = AutoModel.from_config(  # type: ignore[no-untyped-call]
        config, add_pooling_layer=False, attn_implementation="eager"
    )
    model = ReviewClassifier(encoder, config.hidden_size)
    model.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return model.eval()
