"""The filter engine: what the exchange would refuse an order for, told before it is sent, with what would pass.

Pure: a request and a scene (the symbol's rules, and what is known of market and account) go in, an ``OrderCheck``
comes out. Every filter of filters.md, the permissions of the symbol and the execution rules are judged exactly; a rule
that cannot be judged is told as unchecked and never passed in silence.
"""

from .amending import amendment_needs as amendment_needs
from .amending import check_amendment as check_amendment
from .check import check_order as check_order
from .check import needs as needs
from .counts import counts_of as counts_of
from .counts import position_of as position_of
from .funds import free_of as free_of
from .scene import Free as Free
from .scene import Need as Need
from .scene import OpenCounts as OpenCounts
from .scene import Prices as Prices
from .scene import Scene as Scene
from .snap import check_rounding as check_rounding
from .snap import snap_order as snap_order
