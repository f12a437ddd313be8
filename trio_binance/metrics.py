"""The metrics: what happens and how things stand, for Prometheus; needs the extra ``metrics``.

    metrics = PrometheusMetrics()
    async with open_binance(BinanceConfig(..., hooks=(metrics,))) as bx:
        metrics.watch(bx)
        prometheus_client.start_http_server(8000)

Every event counts in ``trio_binance_events_total{event=...}``; every number of ``bx.statistics()`` is a gauge such as
``trio_binance_clock_offset_us``, read when Prometheus asks and at no other time.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, final

import attrs

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as _missing:  # the package was installed without its metrics
    raise ImportError(
        "trio_binance.metrics needs prometheus_client; run: pip install 'trio-binance-connector[metrics]'",
        name=_missing.name,
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._client.client import Binance
    from ._services.events import Event

Labels = tuple[tuple[str, str], ...]

LABELS = ("name", "kind", "interval_ms")
"""The fields that say what the others belong to: a socket or service, a limit and its window."""


@final
class PrometheusMetrics(Collector):
    """A hook that counts events, and a collector of the statistics of the connectors it watches.

    Args:
        registry: where the metrics are registered; Prometheus' own by default.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._watched: list[Binance] = []
        self._events = Counter("trio_binance_events", "Events of the connector, by name.", ["event"], registry=registry)
        registry.register(self)

    def __call__(self, event: Event) -> None:
        """Count an event; see ``BinanceConfig.hooks``."""
        self._events.labels(event.name).inc()

    def watch(self, bx: Binance) -> None:
        """Report the statistics of this connector from now on, labelled with its environment."""
        self._watched.append(bx)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return every number of the statistics as a gauge; called by Prometheus' client, in its own thread."""
        families: dict[tuple[str, tuple[str, ...]], GaugeMetricFamily] = {}
        for bx in self._watched:
            labels = (("environment", bx.config.environment.name),)
            for name, found, value in _numbers("trio_binance", bx.statistics(), labels):
                keys = tuple(key for key, _ in found)
                family = families.get((name, keys))
                if family is None:
                    family = families[name, keys] = GaugeMetricFamily(name, "A figure of bx.statistics().", labels=keys)
                family.add_metric([text for _, text in found], value)
        return families.values()


def _numbers(name: str, value: Any, labels: Labels) -> Iterator[tuple[str, Labels, int | float]]:
    """Yield every number below a value: the path of its fields as a name, what it belongs to as labels."""
    if isinstance(value, bool | int | float):
        yield name, labels, value
    elif attrs.has(type(value)):
        labels = tuple(dict([*labels, *_labels_of(value)]).items())
        for key, part in _fields(value):
            if key not in LABELS:
                yield from _numbers(f"{name}_{key}", part, labels)
    elif isinstance(value, tuple):
        for part in value:
            yield from _numbers(name, part, labels)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    return ((field.name, getattr(value, field.name)) for field in attrs.fields(type(value)))


def _labels_of(value: Any) -> Iterator[tuple[str, str]]:
    """Yield what tells one of many from the others, also where it stands in a part: the rule of a limit."""
    for key, part in _fields(value):
        if key in LABELS:
            yield key, str(part.value if isinstance(part, enum.Enum) else part)
        elif attrs.has(type(part)):
            yield from _labels_of(part)
