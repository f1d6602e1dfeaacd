"""Eight plausible weeks of a shop: the sample reviews' products and words, with more of them than the samples have."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from shop import NOW, written

from producers.samples import samples
from schemas.codec import decode_review
from schemas.errors import InvalidEvent
from schemas.events import Channel, ScoredReview

CAMPAIGNS = ("spring-outdoors", "kitchen-week", "newsletter-march")

HOSTILE = (
    '<script>document.title="stolen"</script><img src=x onerror="document.title=\'stolen\'"> '
    "\u202eLeaks all over\u202c the kitchen. Call me at +44 20 7946 0958 or write to jane.doe@example.com!"
)


def sample_reviews(now: datetime = NOW, seed: int = 7) -> Iterator[ScoredReview]:
    """About 5,000 reviews; one product got worse this week, one better, and one has hostile reviews."""
    chance, origin = random.Random(seed), random.Random(seed)
    texts: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for sample in samples(now):
        with suppress(InvalidEvent):  # some are broken on purpose
            event = decode_review(sample.value)
            if event.text and event.rating:
                texts[event.product_id, event.rating > 3].append(event.text)
    products = sorted({product for product, _ in texts})
    happiness = {product: chance.uniform(0.55, 0.95) for product in products}
    volume = {product: chance.lognormvariate(0.6, 0.7) for product in products}
    worse, better = products[2], products[5]
    for day in range(56, -1, -1):
        for product in products:
            rate = happiness[product]
            if day < 7:
                rate += {worse: -0.35, better: 0.1}.get(product, 0)
            for _ in range(round(chance.gauss(2.2 * volume[product] * (1.3 if day % 7 < 2 else 1), 1))):
                positive = chance.random() < rate
                words = texts[product, positive] or texts[product, not positive]
                channel = chance.choices(list(Channel), [82, 10, 3, 5])[0]
                yield written(
                    product,
                    positive,
                    strong=chance.random() < 0.55,
                    uncertain=chance.random() < 0.07,
                    days_ago=day + chance.random() * 0.4,
                    channel=channel,
                    text=chance.choice(words),
                    rating=float(chance.choice((4, 5) if positive else (1, 2))),
                    language="en",
                    campaign_id=origin.choice(CAMPAIGNS) if channel is Channel.AD else None,
                    customer_hash=f"{origin.randrange(1500) * 7919 % 2**32:08x}" * 4,
                )
    yield written(worse, False, text=HOSTILE, rating=1.0)
    yield written(worse, False, text="It worked for a month and then it stopped. " * 30, rating=1.0)
    yield written(worse, False, text="לא עובד. החזירו לי את הכסף בבקשה!", rating=1.0, language="he")
