"""transformers' Trainer with the parts that are this task's own: loss, token batches, rates by layer, measuring."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer

from model_export.networks.classifier import ReviewClassifier, masked_loss
from model_export.training.batches import TokenBatches, TokenisedReviews, by_length, pad
from model_export.training.parameters import parameter_groups
from model_export.training.plan import TrainingPlan


class ReviewTrainer(Trainer):
    """Trains a ``ReviewClassifier`` on ``TokenisedReviews``, and measures its loss on others."""

    def __init__(
        self, plan: TrainingPlan, pad_id: int, vector_teacher: ReviewClassifier | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._plan = plan
        self._pad_id = pad_id
        self._vector_teacher = vector_teacher
        self._vectors = torch.empty(0)
        if vector_teacher is not None:
            vector_teacher.to(self.args.device)
            # The loop calls the network as a whole; its vectors are seen on their way into the head.
            assert isinstance(self.model, ReviewClassifier)
            self.model.dropout.register_forward_pre_hook(self._see)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ARG002 -- the loss is a mean of its own
    ) -> Any:
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        loss = self._loss(logits, inputs["labels"], inputs["weights"], smoothing=self._plan.label_smoothing)
        if self._vector_teacher is not None:
            loss = loss + self._plan.teacher_vectors * self._distance(self._vector_teacher, inputs)
        return (loss, {"logits": logits}) if return_outputs else loss

    def _see(self, _dropout: nn.Module, vectors: tuple[Tensor]) -> None:
        (self._vectors,) = vectors

    def _distance(self, teacher: ReviewClassifier, inputs: dict[str, Tensor]) -> Tensor:
        """1 less the mean cosine between the latest vectors and the teacher's of the same reviews."""
        with torch.no_grad(), torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.args.bf16):
            wanted = teacher.read(inputs["input_ids"], inputs["attention_mask"])
        return 1 - nn.functional.cosine_similarity(self._vectors.float(), wanted.float()).mean()

    def get_train_dataloader(self) -> DataLoader[Any]:
        reviews = self.train_dataset
        assert isinstance(reviews, TokenisedReviews)
        loader = DataLoader(
            reviews, batch_sampler=token_batches(reviews, self._plan), collate_fn=self._collate
        )
        # Only a prepared loader tells the batches which epoch it is; a plain one repeats the first.
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, *_: Any) -> torch.optim.Optimizer:
        assert isinstance(self.model, nn.Module)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self._plan), weight_decay=0.0)
        return self.optimizer

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Loss and accuracy on the development reviews: over all of them at once, and against the labels as they are."""
        reviews = self.eval_dataset
        assert isinstance(reviews, TokenisedReviews)
        logits = self._logits(reviews.token_ids)
        labels = torch.tensor(reviews.labels)
        right = (logits[:, 0] >= 0) == (labels[:, 0] >= 0.5)
        metrics = {
            "eval_loss": float(self._loss(logits, labels, torch.tensor(reviews.weights), smoothing=0.0)),
            "eval_accuracy": float(right[~torch.isnan(labels[:, 0])].float().mean()),
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _logits(self, token_ids: Sequence[Sequence[int]]) -> Tensor:
        """(reviews, 2), float32, on the CPU."""
        model = self.model
        assert isinstance(model, nn.Module)
        model.eval()
        logits = torch.empty((len(token_ids), 2))
        lengths = [len(ids) for ids in token_ids]
        device = self.args.device
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self.args.bf16):
            for rows in by_length(range(len(lengths)), lengths, self._plan.tokens_per_batch):
                input_ids, mask = pad([token_ids[row] for row in rows], self._pad_id)
                logits[rows] = model(input_ids.to(device), mask.to(device)).float().cpu()
        return logits

    def _loss(self, logits: Tensor, labels: Tensor, weights: Tensor, *, smoothing: float) -> Tensor:
        return masked_loss(
            logits,
            labels,
            weights,
            smoothing=smoothing,
            intensity_weight=self._plan.intensity_weight,
        )

    def _collate(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        input_ids, attention_mask = pad([row["input_ids"] for row in rows], self._pad_id)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "labels": torch.tensor([row["labels"] for row in rows]),
            "weights": torch.tensor([row["weight"] for row in rows]),
        }


def token_batches(reviews: TokenisedReviews, plan: TrainingPlan) -> TokenBatches:
    """The batches of each epoch of a run."""
    return TokenBatches([len(ids) for ids in reviews.token_ids], plan.tokens_per_batch, plan.seed)
