"""Every error that shadow_mw raises on purpose.

ShadowError
├── ConfigError       a setting is wrong: variable, value, what is accepted     (exit 78)
├── DataError         a file or line that a user gave is wrong                  (exit 65)
│   └── StoreError    the store is corrupt, newer than this code, or unreadable (exit 65)
├── ExportRefused     a collector will never take these spans (never leaves the runner)
└── WireError         a body that is not the wire format it claims to be (never leaves the runner)
"""

from __future__ import annotations


class ShadowError(Exception):
    """The root; `exit_code` is what a command line returns for it."""

    exit_code = 1


class ConfigError(ShadowError):
    """A setting that cannot be used; the message is one line."""

    exit_code = 78


class DataError(ShadowError):
    """Input data that cannot be used; the message names file and line, nothing was applied."""

    exit_code = 65


class StoreError(DataError):
    """The store cannot be opened as it is; the file was left untouched."""


class ExportRefused(ShadowError):
    """Spans that an exporter refused for what they are: trying again would change nothing."""


class WireError(ShadowError):
    """A request body that is not what its path says."""
