"""The observer: every event to every hook, a line to the log, no secret in either, and no flood."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import attrs
import pytest
import structlog
import trio

from trio_binance._services import events as events_module
from trio_binance._services.conditions import Status
from trio_binance._services.events import Event
from trio_binance._services.observe import (
    BanStarted,
    BreakerChanged,
    ClockSynced,
    Connected,
    ConnectionLost,
    Dropped,
    KeyRefused,
    LogGate,
    Observer,
    ServiceCrashed,
    StatusChanged,
    scrub,
)
from trio_binance.config import Credentials

KINDS = sorted(
    (kind for kind in vars(events_module).values() if inspect.isclass(kind) and issubclass(kind, Event)),
    key=lambda kind: kind.__name__,
)


def type_of(field: attrs.Attribute[Any]) -> str:
    """Return the type's name; the public door of the events has the annotations resolved, whoever imports it."""
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


def example(kind: type[Event], text: str = "text") -> Event:
    """Return an event of the class with a value for every field."""
    values: dict[str, Any] = {"float": 1.5, "int": 7, "int | None": 1001, "str": text, "Status": Status.READY}
    return kind(**{field.name: values[type_of(field)] for field in attrs.fields(kind)})


class Keeper(logging.Handler):
    """Keeps the records in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    logger, keeper = logging.getLogger("trio_binance"), Keeper()
    level = logger.level
    logger.addHandler(keeper)
    logger.setLevel(logging.DEBUG)
    yield keeper.records
    logger.removeHandler(keeper)
    logger.setLevel(level)


# ------------------------------------------------------------------------------------------------- the events


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_frozen_explained_and_can_be_logged(kind: type[Event], records: list[logging.LogRecord]) -> None:
    event = example(kind)
    assert attrs.fields(kind)[0].name == "at"
    assert inspect.getdoc(kind)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]
    Observer().emit(event)
    (record,) = records
    assert record.name == f"trio_binance.{kind.area}"
    assert record.levelno == kind.level
    assert record.__dict__["event"] == kind.name
    assert record.getMessage().startswith(kind.name.replace("_", " "))
    assert kind.subject is None or kind.subject in {field.name for field in attrs.fields(kind)}


def test_the_observer_gives_all_events() -> None:
    from trio_binance._services import observe

    assert {kind.__name__ for kind in KINDS} | {"LogGate", "Observer", "scrub"} == set(observe.__all__)


# ------------------------------------------------------------------------------------------------- the lines


def test_a_line_is_a_name_and_its_fields(records: list[logging.LogRecord]) -> None:
    observer = Observer()
    observer.emit(ConnectionLost(12.0, "stream-1", "going away", 1001))
    observer.emit(ConnectionLost(13.0, "stream-1", ""))
    observer.emit(ClockSynced(14.0, -1200, 300))
    observer.emit(StatusChanged(15.0, Status.READY, Status.DEGRADED, "clock: no network"))
    observer.emit(BanStarted(16.0, until=76.1234567, status=418))
    assert [record.getMessage() for record in records] == [
        'connection lost connection=stream-1 reason="going away" code=1001',
        'connection lost connection=stream-1 reason=""',
        "clock synced offset_us=-1200 uncertainty_us=300",
        'status changed old=ready new=degraded reason="clock: no network"',
        "ban started until=76.123457 status=418",
    ]
    assert records[0].levelno == logging.WARNING
    fields = records[0].__dict__
    assert (fields["at"], fields["connection"], fields["reason"], fields["code"]) == (
        12.0,
        "stream-1",
        "going away",
        1001,
    )


def test_what_the_exchange_wrote_cannot_forge_a_line(records: list[logging.LogRecord]) -> None:
    Observer().emit(ConnectionLost(0.0, "s", 'bye"\n2026-01-01 ERROR forged \u202e'))
    assert records[0].getMessage() == r'connection lost connection=s reason="bye\"\n2026-01-01 ERROR forged \u202e"'


def test_symbols_in_any_script_stay_readable(records: list[logging.LogRecord]) -> None:
    Observer().emit(Dropped(0.0, "币安人生usdt@trade", 3))
    assert records[0].getMessage() == "dropped stream=币安人生usdt@trade count=3"


def test_a_field_that_the_log_keeps_for_itself_is_renamed(records: list[logging.LogRecord]) -> None:
    Observer().emit(KeyRefused(0.0, -2015, "Invalid API-key, IP, or permissions for action."))
    assert records[0].__dict__["message_"] == "Invalid API-key, IP, or permissions for action."


def test_a_crash_is_logged_with_its_traceback(records: list[logging.LogRecord]) -> None:
    Observer().emit(ServiceCrashed(0.0, "books", 2, "KeyError('x')", 'Traceback ...\n  File "x.py"\nKeyError'))
    first, *rest = records[0].getMessage().splitlines()
    assert first == "service crashed service=books restarts=2 error=KeyError('x')"
    assert rest == ["Traceback ...", '  File "x.py"', "KeyError"]


def test_nothing_is_written_below_the_level_of_the_logger(records: list[logging.LogRecord]) -> None:
    logging.getLogger("trio_binance").setLevel(logging.WARNING)
    Observer().emit(Connected(0.0, "s"))
    assert not records


# ------------------------------------------------------------------------------------------------- structlog


@pytest.fixture
def structured() -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []

    def keep(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("connection") == "broken":
            raise RuntimeError("processor")
        seen.append({"method": method, **event})
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    yield seen
    structlog.reset_defaults()


def test_structlog_is_used_where_the_program_has_configured_it(
    structured: list[dict[str, Any]], records: list[logging.LogRecord]
) -> None:
    Observer().emit(ConnectionLost(3.0, "stream-1", "bye"))
    assert structured == [
        {
            "method": "warning",
            "event": "connection_lost",
            "at": 3.0,
            "connection": "stream-1",
            "reason": "bye",
            "code": None,
        }
    ]
    assert not records


def test_structlog_unconfigured_is_left_alone(records: list[logging.LogRecord]) -> None:
    structlog.reset_defaults()
    Observer().emit(Connected(0.0, "s"))
    assert len(records) == 1


def test_a_broken_structlog_costs_no_line(structured: list[dict[str, Any]], records: list[logging.LogRecord]) -> None:
    Observer().emit(Connected(0.0, "broken"))
    assert [record.getMessage() for record in records] == ["structlog failed", "connected connection=broken attempt=1"]


# ------------------------------------------------------------------------------------------------- the hooks


def test_hooks_get_every_event_in_order() -> None:
    seen: list[tuple[int, Event]] = []
    observer = Observer([lambda event: seen.append((1, event)), lambda event: seen.append((2, event))])
    event = Connected(1.0, "s")
    observer.emit(event)
    assert seen == [(1, event), (2, event)]
    assert observer.counts == {"connected": 1}


def test_a_hook_that_raises_is_logged_and_goes_on_being_called(records: list[logging.LogRecord]) -> None:
    calls: list[Event] = []

    def hook(event: Event) -> None:
        calls.append(event)
        raise ValueError("mine")

    after: list[Event] = []
    observer = Observer([hook, after.append])
    observer.emit(Connected(1.0, "s"))
    observer.emit(Connected(2.0, "s"))
    assert len(calls) == len(after) == 2
    assert records[1].name == "trio_binance.observe"
    assert records[1].levelno == logging.ERROR
    assert records[1].getMessage().endswith("during=connected error=ValueError('mine')")
    assert "test_a_hook_that_raises" in records[1].__dict__["hook"]


def test_a_hook_without_a_name_is_called_by_its_class(records: list[logging.LogRecord]) -> None:
    class Hook:
        def __call__(self, event: Event) -> None:
            raise ValueError

    Observer([Hook()]).emit(Connected(1.0, "s"))
    assert records[1].__dict__["hook"].endswith("Hook")


def test_a_request_to_end_the_program_passes_through_the_hooks() -> None:
    def hook(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Observer([hook]).emit(Connected(1.0, "s"))


async def test_a_cancellation_passes_through_the_hooks() -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep(0)
        except trio.Cancelled as exc:
            cancelled = exc

        def hook(event: Event) -> None:
            raise cancelled

        Observer([hook]).emit(Connected(1.0, "s"))
    assert scope.cancelled_caught


async def test_now_is_trios_time(autojump_clock: object) -> None:
    await trio.sleep(7)
    assert Observer().now() == 7.0


# ------------------------------------------------------------------------------------------------- secrecy

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPkSECRETSECRETSECRET\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "str" in {type_of(field) for field in attrs.fields(kind)}])
@pytest.mark.parametrize(
    "credentials", [Credentials.hmac(KEY, SECRET), Credentials.ed25519(KEY, PEM, passphrase=SECRET)]
)
def test_no_secret_shows_in_any_event(
    kind: type[Event], credentials: Credentials, records: list[logging.LogRecord]
) -> None:
    text = (
        f"{SECRET} {KEY} {PEM} timestamp=1&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )
    seen: list[Event] = []
    Observer([seen.append], credentials=credentials).emit(example(kind, text))
    shown = repr(seen) + str(attrs.asdict(seen[0])) + str([record.__dict__ for record in records])
    for secret in (SECRET, KEY, "MC4CAQAw", "c8db5682"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /api/v3/order?symbol=A&signature=abcdef&x=1", "GET /api/v3/order?symbol=A&signature=***&x=1"),
        ('{"apiKey": "abcdef", "symbol": "A"}', '{"apiKey": "***", "symbol": "A"}'),
        ("X-MBX-APIKEY: abcdef", "X-MBX-APIKEY: ***"),
        ("secretKey='abcdef'", "secretKey='***'"),
        ("passphrase=abcdef;", "passphrase=***;"),
        (f"key {PEM} end", "key *** end"),
        (PEM[:60], "***"),
        ("Invalid API-key, IP, or permissions for action.", "Invalid API-key, IP, or permissions for action."),
        ("going away", "going away"),
    ],
)
def test_signatures_and_keys_are_struck_from_any_text(text: str, clean: str) -> None:
    assert scrub(text) == clean


def test_a_word_too_short_for_a_secret_is_not_struck_from_texts() -> None:
    seen: list[Any] = []
    Observer([seen.append], credentials=Credentials.hmac("key", "s")).emit(Connected(1.0, "stream s key"))
    assert seen[0].connection == "stream s key"


def test_an_event_without_a_secret_is_passed_on_as_it_is() -> None:
    seen: list[Event] = []
    event = ConnectionLost(1.0, "s", "bye")
    Observer([seen.append], credentials=Credentials.hmac(KEY, SECRET)).emit(event)
    assert seen[0] is event


# ------------------------------------------------------------------------------------------------- storms


def test_a_storm_is_a_few_lines_and_a_number_and_hooks_get_it_all(records: list[logging.LogRecord]) -> None:
    seen: list[Event] = []
    observer = Observer([seen.append])
    for number in range(1000):
        observer.emit(Dropped(number * 0.005, "btcusdt@trade", 1))
    observer.emit(Connected(9.9, "s"))
    assert len(records) == 11
    observer.emit(Connected(10.0, "s"))
    assert [record.getMessage() for record in records[11:]] == [
        "dropped: more of the same, not shown suppressed=990 period=10.0",
        "connected connection=s attempt=1",
    ]
    assert len(seen) == 1002
    assert observer.counts["dropped"] == 1000


def test_each_subject_has_its_own_lines_up_to_a_total(records: list[logging.LogRecord]) -> None:
    observer = Observer(gate=LogGate(burst=2, total=5, period=10.0))
    for stream in "abc":
        for _ in range(3):
            observer.emit(Dropped(0.0, stream, 1))
    assert [record.__dict__["stream"] for record in records] == ["a", "a", "b", "b", "c"]


def test_after_the_period_lines_come_again(records: list[logging.LogRecord]) -> None:
    observer = Observer(gate=LogGate(burst=1, total=5, period=10.0))
    for at in (0.0, 9.0, 10.0):
        observer.emit(BreakerChanged(at, "closed", "open"))
    assert [record.getMessage() for record in records] == [
        "breaker changed old=closed new=open wire=rest",
        "breaker changed: more of the same, not shown suppressed=1 period=10.0",
        "breaker changed old=closed new=open wire=rest",
    ]


async def test_at_the_end_what_was_suppressed_is_told(records: list[logging.LogRecord], autojump_clock: object) -> None:
    observer = Observer(gate=LogGate(burst=1))
    for _ in range(3):
        observer.emit(Dropped(0.0, "a", 1))
    observer.flush()
    observer.flush()
    assert [record.getMessage() for record in records[1:]] == [
        "dropped: more of the same, not shown suppressed=2 period=10.0"
    ]


def test_a_storm_of_subjects_takes_no_memory() -> None:
    gate = LogGate()
    for number in range(10_000):
        gate.admit(Dropped, f"stream-{number}", 0.0)
    assert len(gate._windows[Dropped].by_subject) == 100
