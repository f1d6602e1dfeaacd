"""Write the folder that transformers loads: a stock BERT classifier of the default model's size, and its tokenizer.

Weights are random unless an encoder is given. The speed of a network does not depend on what its weights are.

Arguments: tokenizer.json, max length, folder to write, and optionally the folder of an encoder.
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

tokenizer_file, max_length, folder, *encoder = sys.argv[1:]
torch.manual_seed(0)
if encoder:
    network = BertForSequenceClassification.from_pretrained(encoder[0], num_labels=2)
else:
    network = BertForSequenceClassification(BertConfig(**SIZE, num_labels=2))
network.save_pretrained(folder)
special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=tokenizer_file, model_max_length=int(max_length), **special
)
tokenizer.save_pretrained(folder)
