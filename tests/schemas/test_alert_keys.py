"""Keys of the alerts share a slot, and none is another's."""

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from schemas.alert_keys import AlertKeys

PREFIXES = st.text(max_size=20).filter(lambda text: not set(text) & set("{}"))
PLACES = st.tuples(st.from_regex(r"[a-z0-9][a-z0-9-]{0,5}", fullmatch=True), st.text(min_size=1, max_size=10))


@given(PREFIXES)
@settings(max_examples=20)  # the client counts slots slowly
def test_all_keys_live_in_one_slot_for_one_script_changes_several(prefix: str) -> None:
    keys = AlertKeys(prefix)
    every = keys.looks, keys.open, keys.opened, keys.due, keys.bodies, keys.attempts

    assert len(set(every)) == 6
    assert len({key_slot(key.encode("utf-8", "surrogatepass")) for key in every}) == 1


@given(PLACES, PLACES)
def test_no_two_incidents_are_taken_for_each_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (AlertKeys.member(*one) == AlertKeys.member(*other)) == (one == other)
