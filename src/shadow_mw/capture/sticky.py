"""In or out of the sample: salted, deterministic, the same for a whole conversation."""

from __future__ import annotations

import json
import re
from hashlib import blake2b

# Not `user` or `prompt_cache_key`: many apps send one value for everybody, and a sample of a
# tenth would be all or nothing.
_OWN_KEY = re.compile(
    rb'"(?:conversation|conversation_id|thread_id|session_id)"\s*:\s*"([^"\\]{1,200})"'
)
_TURNS = re.compile(r'"(?:messages|input)"\s*:\s*(?=[\["])')
_COMMA = re.compile(r"[\s,]*")
_SCAN = 1 << 20
_decode = json.JSONDecoder().raw_decode


def chosen(rate: float, salt: bytes, key: str) -> bool:
    """Whether a key is in the sample; independent of any other use of the same key."""
    if rate >= 1.0:
        return True
    digest = blake2b(key.encode(), digest_size=8, key=salt[:64], person=b"shadow.sample").digest()
    return int.from_bytes(digest, "big") < rate * 2**64


def conversation_key(body: bytes) -> str | None:
    """The conversation's own key: what the request names, else its first user message.

    Turns of one conversation repeat its beginning, so the first user message stays the same.
    Reads only as far as that message; JSON escapes its quotes, so a key inside a text never
    matches.
    """
    named = _OWN_KEY.search(body)
    if named is not None:
        return named[1].decode(errors="replace")
    text = body[:_SCAN].decode(errors="replace")
    start = _TURNS.search(text)
    return _first_turn(text, start.end()) if start else None


def _first_turn(text: str, at: int) -> str | None:
    try:
        if text[at] == '"':
            return str(_decode(text, at)[0])
        at += 1
        while True:
            blank = _COMMA.match(text, at)
            turn, at = _decode(text, blank.end() if blank else at)
            if not isinstance(turn, dict) or turn.get("role") in ("user", None):
                return json.dumps(turn, sort_keys=True)
    except (ValueError, IndexError, RecursionError):
        return None
