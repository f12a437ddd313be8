"""The decimals' door on this floor: the core lies below, since ``models`` checks numbers too and may not import up."""

from __future__ import annotations

from trio_binance._decimals import CONTEXT as CONTEXT
from trio_binance._decimals import EXACT as EXACT
from trio_binance._decimals import MAX_LENGTH as MAX_LENGTH
from trio_binance._decimals import InvalidDecimal as InvalidDecimal
from trio_binance._decimals import check_decimal as check_decimal
from trio_binance._decimals import parse as parse
from trio_binance._decimals import parse_number as parse_number
from trio_binance._decimals import snap as snap
from trio_binance._decimals import to_text as to_text
