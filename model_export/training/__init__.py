"""Fine-tuning: batches by tokens, the loop, checkpoints."""
