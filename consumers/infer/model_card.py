"""A bundle's model card in Markdown, generated from its manifest alone (Mitchell et al. 2019, "Model Cards")."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.manifest import SERVED_ALONE, Manifest, Neighbours, Parity, Variant

NOT_RECORDED = "not recorded"
"""Of what bundles of older exports do not say."""

PROVIDERS = {"int8": "CPUs; each review is a call of its own", "fp16": "GPUs", "fp32": "CPUs and GPUs"}


def model_card(manifest: Manifest, version: str) -> str:
    """What it is, data, figures, limits, parity, neighbours, how to cite; with the header that model hubs read.

    Args:
        manifest: of the bundle.
        version: of the bundle, as events carry it.
    """
    return "\n".join(
        [
            *_header(manifest),
            f"# {manifest.name}",
            "",
            manifest.description or "Polarity and intensity of reviews.",
            "",
            *_section("What it is", _what_it_is(manifest, version)),
            *_section("Data", _data(manifest)),
            *_section("Figures on held-out reviews", _figures(manifest)),
            *_section("Agreement with the trained network", _parity(manifest.variants)),
            *_section("A review's score and its neighbours", _neighbours(manifest.variants)),
            *_section("Limits", _limits(manifest)),
            *_section("How to cite", _citation(manifest, version)),
        ]
    )


def _header(manifest: Manifest) -> Iterator[str]:
    yield from (
        "---",
        "library_name: onnx",
        "pipeline_tag: text-classification",
        "tags: [sentiment, reviewstream]",
    )
    if manifest.languages:
        yield f"language: [{', '.join(manifest.languages)}]"
    yield from ("---", "")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _what_it_is(manifest: Manifest, version: str) -> Iterator[str]:
    polarity, intensity = manifest.heads
    yield from _table(
        ("", ""),
        [
            ("name, version", f"{manifest.name}, `{version}`"),
            ("base model", manifest.base_model),
            ("licence", manifest.licence),
            ("made", manifest.created_at),
            ("languages", ", ".join(manifest.languages) or NOT_RECORDED),
            (
                "inputs",
                f"{', '.join(f'`{name}`' for name in manifest.inputs)}: int64 (batch, tokens), both axes free",
            ),
            ("output", f"`{manifest.output}`: float32 (batch, 2), logits of polarity and intensity"),
            ("ONNX opset", str(manifest.opset)),
            ("reads", f"up to {manifest.max_length} tokens; of longer texts the first and the last half"),
            (
                "probability",
                f"sigmoid(logit / temperature): {polarity.temperature:.3f} and {intensity.temperature:.3f}",
            ),
            ("a person should look", f"where the confidence is below {manifest.review_threshold:.2f}"),
        ],
    )


def _data(manifest: Manifest) -> Iterator[str]:
    yield f"Trained on: {manifest.data}."


def _figures(manifest: Manifest) -> Iterator[str]:
    if not manifest.metrics:
        yield f"{NOT_RECORDED.capitalize()}."
        return
    rows = [(name.replace("_", " "), f"{value:,.6g}") for name, value in manifest.metrics.items()]
    yield from _table(("figure", ""), rows)
    yield ""
    yield "Bias, temperature and threshold were fitted to these same reviews; measure on others with `reviewstream evaluate`."


def _parity(variants: Sequence[Variant]) -> Iterator[str]:
    yield "Each review on its own, ONNX on the CPU provider against the network that was trained."
    yield ""
    head = (
        "precision",
        "for",
        "reviews",
        "largest difference of a logit",
        "shift of a score, largest, mean",
        "labels changed",
    )
    yield from _table(
        head,
        ((variant.precision, PROVIDERS[variant.precision], *_cells(variant.parity)) for variant in variants),
    )
    if any(variant.precision == "fp16" for variant in variants):
        yield ""
        yield "That provider does the arithmetic of fp16 in 32 bits: its weights and graph are proved, its speed and its"
        yield "rounding on a GPU are not."


def _cells(parity: Parity | None) -> tuple[str, ...]:
    if parity is None:
        return (NOT_RECORDED,) * 4
    shift = f"{parity.largest_score_shift:.2g}, {parity.mean_score_shift:.2g}"
    return (
        f"{parity.reviews:,}",
        f"{parity.largest_logit_difference:.2g}",
        shift,
        f"{parity.labels_changed:,}",
    )


def _neighbours(variants: Sequence[Variant]) -> Iterator[str]:
    yield "The same reviews alone and in two shuffled orders, in calls as each precision is served."
    yield ""
    yield from _table(
        ("precision", "reviews of a call", "reviews", "largest shift of a score", "labels changed"),
        ((variant.precision, *_company(variant.neighbours)) for variant in variants),
    )
    if any(variant.precision in SERVED_ALONE for variant in variants):
        yield ""
        yield "int8 is served one review a call, on every provider. Whoever runs the file elsewhere should do the same: int8 of"
        yield "bundles made by earlier releases takes one activation scale for a whole call, so its scores depend on the batch."


def _company(neighbours: Neighbours | None) -> tuple[str, ...]:
    if neighbours is None:
        return (NOT_RECORDED,) * 4
    return (
        str(neighbours.batch),
        f"{neighbours.reviews:,}",
        f"{neighbours.largest_score_shift:.2g}",
        f"{neighbours.labels_changed:,}",
    )


def _limits(manifest: Manifest) -> Iterator[str]:
    for limit in manifest.limits:
        yield f"- {limit}"
    yield "- Kinds of text and languages other than those of its data were not measured."
    yield "- Three-star reviews have no polarity of their own here: they come out on either side."
    yield "- The score is of the text alone; the customer's stars are never shown to the model."


def _citation(manifest: Manifest, version: str) -> Iterator[str]:
    yield "```bibtex"
    yield f"@misc{{{''.join(filter(str.isalnum, manifest.name))}{version},"
    yield f"  title = {{{manifest.name}, version {version}: polarity and intensity of reviews}},"
    yield f"  year = {{{manifest.created_at[:4]}}},"
    yield f"  note = {{Model bundle of reviewstream, made from {manifest.base_model}}}"
    yield "}"
    yield "```"
