"""What identifies a person in a text is replaced by a name in brackets wherever texts are shown.

A reader still sees what kind of thing stood there. It errs towards masking: a long order number may go too.
"""

import re
import unicodedata

_CARD_DIGITS = range(12, 20)
_PHONE_DIGITS = range(7, 16)
"""E.164 allows at most 15 digits."""

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_DIGITS = re.compile(r"(?<![\w])(?:\+|00)?\(?\d(?:[\s().\u2010-\u2015/-]{0,3}\d){5,40}(?!\w)")
_AMOUNT = re.compile(r"\d+\.\d{1,2}")
_DATE = re.compile(r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})(?:\s\d{1,2})?")


def mask(text: str) -> str:
    """The text with email addresses, IBANs, card, account and phone numbers replaced.

    Digits of any script and full-width letters are read as what they mean. What looks like a date or an amount stays.
    """
    text = _EMAIL.sub("[email]", _with_plain_digits(text))
    text = _IBAN.sub(lambda match: _account(match.group()), text)
    return _DIGITS.sub(lambda match: _number(match.group()), text)


def _with_plain_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "@" if character in "\uff20\ufe6b" else character


def _account(written: str) -> str:
    """The longest beginning that is an IBAN masked; words may follow it."""
    ends = [match.start() for match in re.finditer(r"\b(?=\W|$)", written)]
    for end in reversed(ends):
        if _is_iban(written[:end]):
            return "[account number]" + _IBAN.sub(lambda match: _account(match.group()), written[end:])
    return written


def _number(written: str) -> str:
    digits = re.sub(r"\D", "", written)
    if _DATE.fullmatch(written) or _AMOUNT.fullmatch(written):
        return written
    if len(digits) in _CARD_DIGITS and _passes_luhn(digits):
        return "[card number]"
    if written.startswith(("+", "00")) or (len(digits) in _PHONE_DIGITS and not written.isdecimal()):
        return "[phone number]"
    if written.startswith("0") and len(digits) in _PHONE_DIGITS:
        return "[phone number]"
    return "[number]" if len(digits) >= _PHONE_DIGITS.start else written


def _is_iban(written: str) -> bool:
    """ISO 13616: moved four characters round and read as a number, it leaves 1 when divided by 97."""
    letters = re.sub(r"[ -]", "", written).upper()
    return (
        15 <= len(letters) <= 34
        and int("".join(str(int(c, 36)) for c in letters[4:] + letters[:4])) % 97 == 1
    )


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0
