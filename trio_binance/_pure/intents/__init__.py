"""Intents: requests that change state, from before their first byte leaves until it is known what became of them.

``Intents`` is the docket that a service feeds and obeys; ``table`` tells how it decides, ``journal`` what is kept on
disk. Nothing here waits, reads a clock or sends anything.
"""

from .docket import Intents as Intents
from .docket import IntentStatistics as IntentStatistics
from .effects import Alarm as Alarm
from .effects import AskWitness as AskWitness
from .effects import Effect as Effect
from .effects import Forget as Forget
from .effects import ListQuery as ListQuery
from .effects import OpenOrdersQuery as OpenOrdersQuery
from .effects import OrderQuery as OrderQuery
from .effects import Probe as Probe
from .effects import Query as Query
from .effects import Question as Question
from .effects import SendAgain as SendAgain
from .effects import Settle as Settle
from .intent import Intent as Intent
from .intent import Kind as Kind
from .intent import Part as Part
from .intent import Stamp as Stamp
from .journal import Ledger as Ledger
from .journal import Remembered as Remembered
from .owner import Owner as Owner
from .records import Record as Record
from .sightings import ListSighting as ListSighting
from .sightings import OrderSighting as OrderSighting
from .sightings import Sighting as Sighting
from .terms import Terms as Terms
from .verdicts import Absent as Absent
from .verdicts import Accepted as Accepted
from .verdicts import NotSent as NotSent
from .verdicts import Rejected as Rejected
from .verdicts import Unresolved as Unresolved
from .verdicts import Verdict as Verdict
