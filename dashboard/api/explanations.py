"""Which words decided a label."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from consumers.explain.occlusion import Explanation
from dashboard.api.models import Model
from dashboard.api.parameters import ProductId, problems
from dashboard.known import known_product
from dashboard.problems import unlisted_review
from dashboard.services import InjectedServices
from schemas.events import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS, Label

router = APIRouter(tags=["explanations"])

MOST_LISTED = 10_000
"""Strong negatives that a product can have listed."""


class Text(Model):
    """What a customer wrote."""

    text: Annotated[
        str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS, examples=["Boils fast, leaks faster."])
    ]


class DecidingWord(Model):
    """A word that carried the label."""

    start: Annotated[int, Field(description="First character, in Unicode code points.", examples=[12])]
    end: Annotated[int, Field(description="After the last character.", examples=[17])]
    text: Annotated[str, Field(examples=["leaks"])]
    weight: Annotated[
        float,
        Field(
            description="What it adds to the log-odds of being positive; below 0 it speaks for negative.",
            examples=[-4.9],
        ),
    ]
    score_without: Annotated[
        float, Field(description="Probability of being positive without it.", examples=[0.77])
    ]


class ExplanationOfText(Model):
    """The label, and the words without which it would stand less firmly or not at all."""

    label: Label
    score: Annotated[float, Field(description="Calibrated probability that the text is positive.")]
    words: Annotated[list[DecidingWord], Field(description="In the order of the text; five at most.")]
    score_without: Annotated[float, Field(description="Probability of being positive without all of them.")]
    model: str

    @classmethod
    def of(cls, explanation: Explanation, text: str) -> Self:
        """With the words cut out of the text."""
        return cls(
            label=explanation.sentiment.label,
            score=explanation.sentiment.score,
            words=[
                DecidingWord(
                    start=word.start,
                    end=word.end,
                    text=text[word.start : word.end],
                    weight=word.weight,
                    score_without=word.score_without,
                )
                for word in explanation.words
            ],
            score_without=explanation.score_without,
            model=f"{explanation.model.name} {explanation.model.version}",
        )


class ExplanationOfReview(Model):
    """Of a listed strong negative: its text as it is listed, masked and cut, and why that is negative."""

    review_id: str
    text: str
    explanation: ExplanationOfText


MODEL_AWAY = "Redis does not answer, this server has no model, or too many explanations wait."


@router.post("/explanations", responses=problems(s503=MODEL_AWAY))
async def explain(services: InjectedServices, text: Text) -> ExplanationOfText:
    """Label a text and say which words decided. Nothing is stored or counted."""
    return ExplanationOfText.of(await services.explanations.of(text.text), text.text)


@router.get(
    "/explanations",
    responses=problems(
        s404="Nothing was counted for the product, or the review is not listed.", s503=MODEL_AWAY
    ),
)
async def explain_listed(
    services: InjectedServices,
    product_id: ProductId,
    review_id: Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARACTERS)],
) -> ExplanationOfReview:
    """Why one of a product's latest strong negatives is negative."""
    await known_product(services.counts, product_id)
    listed = await services.counts.negatives(product_id, MOST_LISTED)
    text = next((one.text for one in listed if one.review_id == review_id), None)
    if text is None:
        raise unlisted_review(product_id, review_id)
    explanation = await services.explanations.of(text)
    return ExplanationOfReview(
        review_id=review_id, text=text, explanation=ExplanationOfText.of(explanation, text)
    )
