"""The events a hook is called with: ``BinanceConfig(..., hooks=(my_hook,))``; each a frozen value."""

from ._services.events import AccountLive as AccountLive
from ._services.events import AccountStale as AccountStale
from ._services.events import BanEnded as BanEnded
from ._services.events import BanStarted as BanStarted
from ._services.events import BookLive as BookLive
from ._services.events import BookStale as BookStale
from ._services.events import BreakerChanged as BreakerChanged
from ._services.events import ClockStepped as ClockStepped
from ._services.events import ClockSynced as ClockSynced
from ._services.events import Connected as Connected
from ._services.events import ConnectFailed as ConnectFailed
from ._services.events import ConnectionLost as ConnectionLost
from ._services.events import ConnectionRenewed as ConnectionRenewed
from ._services.events import Dropped as Dropped
from ._services.events import Event as Event
from ._services.events import GapFilled as GapFilled
from ._services.events import GapLeft as GapLeft
from ._services.events import GapSeen as GapSeen
from ._services.events import JournalLost as JournalLost
from ._services.events import KeyRefused as KeyRefused
from ._services.events import LoggedOff as LoggedOff
from ._services.events import LoggedOn as LoggedOn
from ._services.events import MirrorChanged as MirrorChanged
from ._services.events import OrderLeftOpen as OrderLeftOpen
from ._services.events import OutcomeFound as OutcomeFound
from ._services.events import OutcomeInDoubt as OutcomeInDoubt
from ._services.events import OutcomeRevised as OutcomeRevised
from ._services.events import OutcomeUnresolved as OutcomeUnresolved
from ._services.events import OwnOrdersCancelled as OwnOrdersCancelled
from ._services.events import RateLimitHit as RateLimitHit
from ._services.events import Reconnected as Reconnected
from ._services.events import ServiceCrashed as ServiceCrashed
from ._services.events import ServiceOverdue as ServiceOverdue
from ._services.events import ServiceRestarted as ServiceRestarted
from ._services.events import ServiceStarted as ServiceStarted
from ._services.events import ServiceStopped as ServiceStopped
from ._services.events import StatusChanged as StatusChanged
from ._services.events import SubscriptionLost as SubscriptionLost
from ._services.events import SubscriptionRestored as SubscriptionRestored
from ._services.events import Undecodable as Undecodable
from ._services.events import UserDataGap as UserDataGap
from ._services.events import UserDataSubscribed as UserDataSubscribed
from ._util import fixup_module_metadata

fixup_module_metadata(__name__, globals())
del fixup_module_metadata
