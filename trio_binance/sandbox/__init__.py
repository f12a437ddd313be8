"""The embedded exchange: a second implementation of the exchange, for tests, demonstrations and simulations.

    async with open_sandbox(SandboxSpec(seed=7), credentials=credentials) as sandbox:
        async with open_binance(config, dialer=sandbox.dialer) as bx: ...

``open_sandbox`` runs it in memory, ``open_loopback`` on a real socket, ``open_replay`` plays a recorded session over
the same wire. What goes wrong, and when, is data: see ``FaultSchedule``, and ``catalogue`` for what has a name.

The truth can be read at any time beside what a client was told: ``sandbox.orders()``, ``sandbox.fills()``,
``sandbox.balances()``, and ``sandbox.conserved()``, whether all money is still there. What clients ask for may come
from a copy that is behind: ``sandbox.market.replica_lag_us``, or ``sandbox.market.replica.drawn`` for each query anew.
"""

from trio_binance.config import ReplaySpec as ReplaySpec
from trio_binance.config import SandboxSpec as SandboxSpec

from .faults import ORDER_TROUBLE as ORDER_TROUBLE
from .faults import Answer as Answer
from .faults import Bend as Bend
from .faults import BlackHole as BlackHole
from .faults import CancelOrders as CancelOrders
from .faults import ChangeFilters as ChangeFilters
from .faults import CloseSockets as CloseSockets
from .faults import CutSockets as CutSockets
from .faults import Deed as Deed
from .faults import DialTrouble as DialTrouble
from .faults import DrainBook as DrainBook
from .faults import Edit as Edit
from .faults import Elsewhere as Elsewhere
from .faults import Ending as Ending
from .faults import EndUserStreams as EndUserStreams
from .faults import ExpireOrders as ExpireOrders
from .faults import Fault as Fault
from .faults import FaultSchedule as FaultSchedule
from .faults import FillOrders as FillOrders
from .faults import ForeignOrder as ForeignOrder
from .faults import JumpClock as JumpClock
from .faults import Keep as Keep
from .faults import LoseEvents as LoseEvents
from .faults import OnDial as OnDial
from .faults import OnHandshake as OnHandshake
from .faults import OnRequest as OnRequest
from .faults import ReplicaLag as ReplicaLag
from .faults import Reset as Reset
from .faults import RevokeKeys as RevokeKeys
from .faults import Scripted as Scripted
from .faults import SendRaw as SendRaw
from .faults import ServerShutdown as ServerShutdown
from .faults import SetStatus as SetStatus
from .faults import Slow as Slow
from .faults import Spell as Spell
from .faults import TakeFunds as TakeFunds
from .faults import Timed as Timed
from .faults import UseUpOrders as UseUpOrders
from .faults import UseUpWeight as UseUpWeight
from .faults import catalogue as catalogue
from .faults import random_order_faults as random_order_faults
from .faults import random_schedule as random_schedule
from .injector import Injector as Injector
from .injector import Struck as Struck
from .market import Market as Market
from .network import DialFault as DialFault
from .network import MemoryNetwork as MemoryNetwork
from .network import MemoryStream as MemoryStream
from .pipe import Link as Link
from .rules import Rules as Rules
from .serve import Replay as Replay
from .serve import Sandbox as Sandbox
from .serve import open_loopback as open_loopback
from .serve import open_replay as open_replay
from .serve import open_sandbox as open_sandbox
from .serve import serve_loopback as serve_loopback
from .truth import TrueBalance as TrueBalance
from .truth import TrueFill as TrueFill
from .truth import TrueOrder as TrueOrder
