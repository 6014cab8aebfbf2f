"""Why a request is not taken, as the sender is told.

Of these a sender tries 503 again, and nothing else: the status decides what becomes of its data.
"""

from __future__ import annotations


class RefusedError(Exception):
    """Carries the status of the answer; its text says what is wrong."""

    status = 400


class MalformedError(RefusedError):
    """The body is not the message that its path and headers promise."""


class UnauthorizedError(RefusedError):
    """No token, or a wrong one."""

    status = 401


class ForbiddenError(RefusedError):
    """It comes from where it must not."""

    status = 403


class NotFoundError(RefusedError):
    """There is no such thing."""

    status = 404


class ConflictError(RefusedError):
    """What it builds on is not there any more."""

    status = 409


class TooLargeError(RefusedError):
    """More bytes than one request may have."""

    status = 413


class UnsupportedError(RefusedError):
    """A content type or encoding that is not read here."""

    status = 415


class UnavailableError(RefusedError):
    """What was sent is not on disk, and sending it again may help."""

    status = 503
