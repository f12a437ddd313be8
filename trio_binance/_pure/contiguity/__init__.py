"""Contiguity: every item of a series once and in order, whatever the streams lose, repeat or reorder.

An item covers the places ``first`` to ``last`` of its symbol's series: a trade its own id, a candle the time from its
opening to its close. The next item begins one place further, so that a hole is seen as soon as anything behind it is
known. What came meanwhile waits behind the hole; what is missing is asked for; what cannot be had is told as a ``Gap``.
"""

from .machine import Contiguity as Contiguity
from .machine import ContiguityStatistics as ContiguityStatistics
from .machine import Filled as Filled
from .machine import Quiet as Quiet
from .patience import Ask as Ask
from .patience import Bounds as Bounds
from .places import Candles as Candles
from .places import Ids as Ids
from .places import Place as Place
from .places import Places as Places
