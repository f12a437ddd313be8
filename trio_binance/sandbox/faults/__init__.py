"""The faults: a schedule of what goes wrong and when, as data; the injector carries it out.

A schedule is made of frozen values, by what triggers them: a moment (``Timed``), a dial (``OnDial``), a request of
either wire (``OnRequest``), every request of a while (``Spell``) or a WebSocket handshake (``OnHandshake``). Nothing in
the code under test draws lots: ``random_schedule`` and ``random_order_faults`` draw a whole schedule beforehand, so
that a failing run can be shrunk by leaving faults out. ``catalogue`` has a name for each fault of an exchange.
"""

from .bends import Answer as Answer
from .bends import Bend as Bend
from .bends import Edit as Edit
from .bends import Ending as Ending
from .bends import Keep as Keep
from .deeds import BlackHole as BlackHole
from .deeds import CancelOrders as CancelOrders
from .deeds import ChangeFilters as ChangeFilters
from .deeds import CloseSockets as CloseSockets
from .deeds import CutSockets as CutSockets
from .deeds import Deed as Deed
from .deeds import DialTrouble as DialTrouble
from .deeds import DrainBook as DrainBook
from .deeds import EndUserStreams as EndUserStreams
from .deeds import ExpireOrders as ExpireOrders
from .deeds import FillOrders as FillOrders
from .deeds import ForeignOrder as ForeignOrder
from .deeds import JumpClock as JumpClock
from .deeds import LoseEvents as LoseEvents
from .deeds import ReplicaLag as ReplicaLag
from .deeds import Reset as Reset
from .deeds import RevokeKeys as RevokeKeys
from .deeds import SendRaw as SendRaw
from .deeds import ServerShutdown as ServerShutdown
from .deeds import SetStatus as SetStatus
from .deeds import Slow as Slow
from .deeds import TakeFunds as TakeFunds
from .deeds import UseUpOrders as UseUpOrders
from .deeds import UseUpWeight as UseUpWeight
from .drawing import random_schedule as random_schedule
from .named import Elsewhere as Elsewhere
from .named import Scripted as Scripted
from .named import catalogue as catalogue
from .schedule import FaultSchedule as FaultSchedule
from .triggers import Fault as Fault
from .triggers import OnDial as OnDial
from .triggers import OnHandshake as OnHandshake
from .triggers import OnRequest as OnRequest
from .triggers import Spell as Spell
from .triggers import Timed as Timed
from .troubled import ORDER_TROUBLE as ORDER_TROUBLE
from .troubled import random_order_faults as random_order_faults
