"""A network by its design: the body by name, the head on top."""

from transformers import PretrainedConfig

from model_export.networks.classifier import ReviewClassifier
from model_export.networks.design import NetworkDesign
from model_export.networks.recurrent import AttentiveLstm
from model_export.networks.textcnn import TextCnn
from model_export.networks.transformer import empty_transformer, reader_of


def build(design: NetworkDesign, config: PretrainedConfig | None = None) -> ReviewClassifier:
    """The network of ``design`` with random weights; a transformer needs its ``config``."""
    if design.body == "transformer":
        assert config is not None
        encoder = empty_transformer(config)
        return ReviewClassifier(
            encoder, encoder.config.hidden_size, design.head, reader_of(config, design.pooling)
        )
    assert design.word is not None
    if design.body == "textcnn":
        words: TextCnn | AttentiveLstm = TextCnn(design.word)
    else:
        words = AttentiveLstm(design.word, both_directions=design.body == "bilstm")
    return ReviewClassifier(words, words.width, design.head)
