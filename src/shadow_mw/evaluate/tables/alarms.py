"""Tables of alarms, and of the messages about them."""

from __future__ import annotations

from typing import Final

ALARMS: Final = """
-- What alarms say, one row each, so that a restart repeats no message. candidate_id is empty where
-- it is about the whole experiment, segment where it is about all traffic.
CREATE TABLE alarms (
    experiment TEXT NOT NULL,
    candidate_id TEXT NOT NULL,
    alarm TEXT NOT NULL,
    segment TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    low REAL,
    high REAL,
    since_ns INTEGER NOT NULL,
    PRIMARY KEY (experiment, candidate_id, alarm, segment)
) WITHOUT ROWID;
-- What is to be told, and what was: 'waiting', 'sent' or 'dropped'. Whoever sends one leases it.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    made_ns INTEGER NOT NULL,
    not_before_ns INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    sent_ns INTEGER
);
CREATE INDEX messages_waiting ON messages (not_before_ns) WHERE state = 'waiting';
"""
