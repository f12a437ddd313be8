"""The mirror: orders, fills and balances of the account, from events that may be lost and queries that may lag."""

from .orders import order_from_amendment as order_from_amendment
from .orders import order_from_cancel as order_from_cancel
from .orders import order_from_report as order_from_report
from .orders import order_from_result as order_from_result
