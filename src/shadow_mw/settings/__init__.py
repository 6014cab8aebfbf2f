"""The settings of one experiment. Read once at start-up, never on the request path."""

from shadow_mw.settings.models import (
    Candidate,
    CheckChoice,
    Embeddings,
    JudgeEndpoint,
    JudgeRun,
    Price,
)
from shadow_mw.settings.reading import load, unknown_variables
from shadow_mw.settings.refusal import SECRETS
from shadow_mw.settings.settings import Settings
from shadow_mw.settings.values import REDACTIONS, is_loopback, split_host_port

__all__ = [
    "REDACTIONS",
    "SECRETS",
    "Candidate",
    "CheckChoice",
    "Embeddings",
    "JudgeEndpoint",
    "JudgeRun",
    "Price",
    "Settings",
    "is_loopback",
    "load",
    "split_host_port",
    "unknown_variables",
]
