"""The probe's own call: a small one with its answer, as an app would have captured it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass

from shadow_mw.capture.recorder import Recording
from shadow_mw.capture.spool import Spool
from shadow_mw.capture.trace import new_ids
from shadow_mw.frames import FORMATS
from shadow_mw.settings import Settings
from shadow_mw.types import WireFormat

ASKED = "Answer with the one word: ok"
MESSAGES = [{"role": "user", "content": ASKED}]
MODEL = "doctor"
REQUESTS = {
    WireFormat.OPENAI_CHAT: {"model": MODEL, "messages": MESSAGES},
    WireFormat.ANTHROPIC_MESSAGES: {"model": MODEL, "messages": MESSAGES, "max_tokens": 16},
}
REPLIES = {
    WireFormat.OPENAI_CHAT: {
        "id": "doctor",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ok"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13},
    },
    WireFormat.ANTHROPIC_MESSAGES: {
        "id": "doctor",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 1},
    },
}
"""What the primary is said to have answered; a stand-in says it for the candidate too."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The probe's, in hex."""

    pair: str
    trace: str
    parent: str
    """The span that stands for the app's own."""


def put(settings: Settings, wire: WireFormat) -> Ids:
    """Write the call into a spool, complete, as an app that ends leaves it behind."""
    ids = new_ids()
    recording = Recording()
    recording.pair_id, recording.trace_id, recording.parent_id = ids[:16], ids[16:], ids[8:16]
    recording.wire = FORMATS.index(wire)
    recording.request = json.dumps(REQUESTS[wire]).encode()
    recording.status, recording.content_type = 200, b"application/json"
    recording.wall_ns = time.time_ns()
    recording.started_ns = time.perf_counter_ns()
    recording.limit = settings.max_response_bytes
    recording.on_finish = lambda _: None
    recording.finish_whole(json.dumps(REPLIES[wire]).encode())
    process = f"app:{os.uname().nodename}:{os.getpid()}:{recording.wall_ns}"
    spool = Spool(settings.directory, settings.queue_bytes)
    refusal = spool.append(recording.frame(process.encode(), 1))
    spool.close()
    if refusal is not None:
        raise OSError(f"the probe's spool in {settings.directory} refused it: {refusal}")
    return Ids(ids[:16].hex(), ids[16:].hex(), ids[8:16].hex())
