"""Settings in, working parts out; ``clock.now`` is read here and given on."""

from aggregator.clock import now
from aggregator.wiring.broker import BROKER_OPTIONS, bell_app, celery_url
from aggregator.wiring.parts import Parts, build_parts

__all__ = ["BROKER_OPTIONS", "Parts", "bell_app", "build_parts", "celery_url", "now"]
