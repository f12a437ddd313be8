"""The catalogue: every operation of the exchange we speak, one row each, by the room of the facade that offers it."""

from . import account as account
from . import general as general
from . import market as market
from . import session as session
from . import trading as trading
