"""What Prometheus is told: requests, rows, how long, refusals, versions and reloads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        self.requests = Counter("serving_requests", "answers by route and status", ("route", "status"), registry=own)
        self.rows = Counter("serving_rows", "rows by model, version and what became of them", _OF_ROWS, registry=own)
        self.seconds = Histogram("serving_seconds", "until an answer", ("route",), registry=own, buckets=SECONDS)
        self.asking = Gauge("serving_asking", "requests that are being answered", registry=own)
        self.reloads = Counter("serving_reloads", "versions put in place, or not", ("model", "outcome"), registry=own)
        self.watched = Counter("serving_watched", "rows written to landing", ("model", "outcome"), registry=own)
        self.live = Gauge("serving_live", "1 for the version that answers", ("model", "version"), registry=own)
        self.trouble = Gauge("serving_trouble", "1 while the champion is not what answers", ("model",), registry=own)
        self.away = Gauge("serving_registry_away", "1 while the registry does not answer", ("model",), registry=own)

    def text(self) -> bytes:
        return generate_latest(self.registry)


_OF_ROWS = ("model", "version", "outcome")
