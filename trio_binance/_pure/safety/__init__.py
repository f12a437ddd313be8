"""The safety rules: what a request would do at worst, whether that is allowed, and which orders are our own.

Pure: what is not known is not guessed. A rule that cannot be judged refuses.
"""

from .judging import Facts as Facts
from .judging import Lack as Lack
from .judging import Proposal as Proposal
from .judging import Reason as Reason
from .judging import judge_standing as judge_standing
from .judging import judge_worth as judge_worth
from .judging import lacks as lacks
from .own import OwnOrder as OwnOrder
from .own import OwnOrders as OwnOrders
from .own import ids_of as ids_of
from .own import places_of as places_of
from .worth import needs_reference as needs_reference
from .worth import price_of as price_of
from .worth import worth_of as worth_of
