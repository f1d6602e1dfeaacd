"""Write the folder that transformers loads: a stock BERT classifier of the default model's size, and its tokenizer.

Its weights are random: the speed of a network does not depend on what they are.

Arguments: tokenizer.json, max length, folder to write.
"""

import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

SIZE = {
    "vocab_size": 30_522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}

tokenizer_file, max_length, folder = sys.argv[1:]
torch.manual_seed(0)
network = BertForSequenceClassification(BertConfig(**SIZE, num_labels=2))
network.config.id2label = {
    0: "negative",
    1: "positive",
}  # written out: without it infinity_emb takes it for a reranker
network.save_pretrained(folder)
special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=tokenizer_file, model_max_length=int(max_length), **special
)
tokenizer.save_pretrained(folder)
