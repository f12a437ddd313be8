"""Client order ids: unique over all time, and recognisable as ours."""

from __future__ import annotations

import re
from itertools import count
from typing import final

from trio_binance.errors import InvalidArgument

# No vowels: no word can be spelled by accident. Requests "containing SQL keywords" may be refused by the exchange's
# firewall (rest-api.md, "General API Information").
_DIGITS = "0123456789bcdfghjkmnpqrstvwxz"
_BOOT_LENGTH = 14
_PREFIX = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*")
_PREFIX_MAX = 8
_PARTNERS = "x"
"""So begin the ids by which the exchange credits orders to its partners: ours credit nobody but the key's owner."""
_SQL_WORD = re.compile(
    r"(?:^|[-_])(add|all|alter|and|any|as|asc|begin|between|by|case|cast|char|check|column|commit|count|create|cross|"
    r"database|declare|default|delete|desc|distinct|drop|else|end|exec|execute|exists|explain|fetch|from|grant|group|"
    r"having|if|in|index|inner|insert|into|is|join|key|kill|left|like|limit|load|merge|not|null|on|or|order|outer|"
    r"replace|revoke|right|rollback|row|select|set|show|sleep|sql|table|then|to|top|trigger|truncate|union|unique|"
    r"update|use|user|values|view|waitfor|when|where|with|xp)(?:$|[-_])",
    re.IGNORECASE,
)


@final
class ClientOrderIds:
    """A source of client order ids of the form ``prefix-boot-number``.

    "newClientOrderId ... must be unique among all open orders" (rest-api.md, "New order"), and may be used again
    after a fill; ours never is: ``boot`` sets this run apart from every other, the number sets its orders apart.

    Args:
        prefix: at most 8 of ``[A-Za-z0-9_-]``; tells our orders from those of other programs on the account.
        boot: 64 unpredictable bits, new at each start.
    """

    def __init__(self, prefix: str, boot: int) -> None:
        if len(prefix) > _PREFIX_MAX or not _PREFIX.fullmatch(prefix):
            raise InvalidArgument("prefix", prefix, f"expected 1 to {_PREFIX_MAX} of A-Z a-z 0-9 _ with single inner -")
        if word := _SQL_WORD.search(prefix):
            raise InvalidArgument("prefix", prefix, f"the exchange's firewall may refuse the word {word[1]!r}")
        if prefix.partition("-")[0].lower() == _PARTNERS:
            raise InvalidArgument("prefix", prefix, "x- is how ids of the exchange's partners begin")
        if not 0 <= boot < 2**64:
            raise InvalidArgument("boot", boot, "expected 64 bits")
        self._ours = re.compile(rf"{prefix}-[{_DIGITS}]{{{_BOOT_LENGTH}}}-[{_DIGITS}]+")
        self._start = f"{prefix}-{_write(boot).rjust(_BOOT_LENGTH, '0')}-"
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"ClientOrderIds({self._start!r})"

    def next_id(self) -> str:
        """Return an id of at most 36 characters that was never returned before."""
        return self._start + _write(next(self._numbers))

    def owns(self, client_order_id: str) -> bool:
        """Tell whether an id was made with this prefix, in this run or an earlier one."""
        return self._ours.fullmatch(client_order_id) is not None


def _write(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
