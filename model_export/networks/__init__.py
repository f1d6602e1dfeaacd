"""The networks that score a review: token ids in, two logits out."""
