r"""Rewriting of texts, done by the tokenizer: what training rewrites, serving rewrites too.

A step is a list of replacements that ``tokenizer.json`` carries as its first normalisers. Texts of the training data stay
as they were read, as do those that the scorer gets; both go through the same file. No step merges two words or takes one away
(stop words apart), and all together change a cleaned text no more:

- White space becomes other white space, and what stood between words becomes white space, never nothing.
- A pattern with a space in it (a tag) is replaced by a line break, which no such pattern contains; what stood around it can
  therefore never become another match.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache

from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import Normalizer, Replace
from tokenizers.normalizers import Sequence as Normalisers


class Step(StrEnum):
    """One kind of rewriting. The order is that in which they are done."""

    CONTROLS = "control characters"
    SPACES = "white space"
    ENTITIES = "HTML entities"
    URLS = "URLs"
    TAGS = "HTML tags"
    PUNCTUATION = "punctuation"
    STOP_WORDS = "stop words"


class Cleaning(StrEnum):
    """What the tokenizer takes out of every text, in training and serving alike."""

    NONE = "none"
    MARKUP = "markup"
    NO_PUNCTUATION = "no-punctuation"
    NO_STOP_WORDS = "no-stop-words"
    WORDS_ONLY = "words-only"

    @property
    def steps(self) -> tuple[Step, ...]:
        return _STEPS[self]


MARKUP_STEPS = (Step.CONTROLS, Step.SPACES, Step.ENTITIES, Step.URLS, Step.TAGS)
"""Those that take nothing that a reader would miss. The others cost accuracy: docs/training-data.md."""

_STEPS = {
    Cleaning.NONE: (),
    Cleaning.MARKUP: MARKUP_STEPS,
    Cleaning.NO_PUNCTUATION: (*MARKUP_STEPS, Step.PUNCTUATION),
    Cleaning.NO_STOP_WORDS: (*MARKUP_STEPS, Step.STOP_WORDS),
    Cleaning.WORDS_ONLY: (*MARKUP_STEPS, Step.PUNCTUATION, Step.STOP_WORDS),
}

_LINE_BREAKS = r"\n\r\x0B\x0C\x1C-\x1E\x{85}\x{2028}\x{2029}"

_CONTROLS = [
    # Of no width, or none that is seen: word joiner, byte order mark, soft hyphen, directions of writing.
    # The joiners U+200C and U+200D stay: emoji and the scripts of Persia and India are spelled with them.
    (r"[\x{2060}\x{FEFF}\x{AD}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]", ""),
    (r"[\x00-\x08\x0E-\x1B\x7F-\x{84}\x{86}-\x{9F}]", ""),
]
_SPACES = [
    (rf"[\s\x1F\x{{200B}}]*[{_LINE_BREAKS}][\s{_LINE_BREAKS}\x1F\x{{200B}}]*", "\n"),
    # Of a single space nothing is replaced. A zero-width space does part words, in Thai for one.
    (r" *(?:[^\S\n ]|[\x1F\x{200B}])(?:[^\S\n]|[\x1F\x{200B}])*|  +", " "),
]
_ENTITIES = [
    # First the ampersand, which shops like to escape twice: &amp;quot; is a quotation mark.
    (r"(?i)&(?:(?:amp|#38|#x26);)+", "&"),
    (r"(?i)&(?:quot|ldquo|rdquo|#0*34|#x22|#8220|#8221);", '"'),
    (r"(?i)&(?:apos|lsquo|rsquo|#0*39|#x27|#8216|#8217);", "'"),
    (r"(?i)&(?:nbsp|#160|#xa0);", " "),
    (r"(?i)&(?:lt|#60|#x3c);", "<"),
    (r"(?i)&(?:gt|#62|#x3e);", ">"),
    (r"(?i)&(?:ndash|mdash|#8211|#8212);", "-"),
    (r"(?i)&(?:hellip|#8230);", "..."),
]
_URLS = [(r"(?i)(?:https?://|www\.)[A-Za-z0-9._~:/?#@!$&*+,;=%-]+", " ")]
_TAG_NAMES = (
    "a|abbr|b|big|blockquote|br|center|cite|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|q|s|small|span|strike|strong|sub|"
    "sup|table|tbody|td|th|thead|tr|tt|u|ul|video"
)
# Names that HTML has, and attributes with a value, so that "<3" and "a <b and c> d" are left alone.
_TAGS = [
    (
        rf"""(?i)</?(?:{_TAG_NAMES})(?: +[a-z-]+ *= *(?:"[^"<>\n]*"|'[^'<>\n]*'|[^\s"'<>=]+))* *\/?>""",
        "\n",
    )
]
_PUNCTUATION = [(r"[\p{P}\p{S}]+", " ")]

_REPLACEMENTS = {
    Step.CONTROLS: _CONTROLS,
    Step.SPACES: _SPACES,
    Step.ENTITIES: _ENTITIES,
    Step.URLS: _URLS,
    Step.TAGS: _TAGS,
    Step.PUNCTUATION: _PUNCTUATION,
}


@cache
def _stop_words() -> list[tuple[str, str]]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 -- takes a second to import

    return [(rf"(?i)\b(?:{'|'.join(sorted(ENGLISH_STOP_WORDS))})\b", " ")]


def normaliser(steps: Iterable[Step]) -> Normalizer:
    """What does ``steps``, in their own order whatever the given one, as a part of ``tokenizer.json``."""
    wanted = [step for step in Step if step in set(steps)]
    parts = [Replace(Regex(pattern), by) for step in wanted for pattern, by in _replacements(step)]
    if wanted and wanted != [Step.CONTROLS]:  # what was replaced by space may now stand beside another
        parts += [Replace(Regex(pattern), by) for pattern, by in _SPACES]
    return Normalisers(parts)


def rewrite(tokenizer: Tokenizer, steps: Sequence[Step]) -> None:
    """Let ``tokenizer`` do ``steps`` before anything of its own."""
    if steps:
        own = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = Normalisers([normaliser(steps), *own])


def clean(text: str, steps: Sequence[Step] = MARKUP_STEPS) -> str:
    """The text as the tokenizer's own part sees it after ``steps``."""
    return _cached(tuple(steps)).normalize_str(encodable(text))


def encodable(text: str) -> str:
    """The text with question marks for halves of surrogate pairs, which are no characters."""
    return text.encode("utf-8", "replace").decode()


@cache
def _cached(steps: tuple[Step, ...]) -> Normalizer:
    return normaliser(steps)


def _replacements(step: Step) -> list[tuple[str, str]]:
    return _stop_words() if step is Step.STOP_WORDS else _REPLACEMENTS[step]
