"""The requests of many rows: what they share, a prompt or a schema, is read once."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from shadow_mw.evaluate import recent
from shadow_mw.evaluate.rows.json_values import dumps, plain, quoted
from shadow_mw.types import Json
from shadow_mw.wire.openai_common import asks_for_json

REMEMBERED = 1024
LONGEST = 20_000
"""Bytes of a part that is remembered."""
PROMPTS = 256
LONGEST_PROMPT = 10_000
"""Characters of a message that is remembered."""

LISTS = frozenset({"messages", "input"})
"""Lists of which some items are the same in many requests, and others new in each."""
TEXT_ROLES = frozenset({"system", "developer", "user", "assistant"})


@dataclass(frozen=True, slots=True)
class Request:
    """A body as it may be stored."""

    body: dict[str, Json]
    """Parts of it are not to be changed."""
    text: str
    """The same as canonical JSON."""
    messages: str | None = None
    """Its messages in the shape that all formats share, as JSON: of a chat of texts alone."""

    @property
    def asks_for_json(self) -> bool:
        """Whether a chat asks for JSON."""
        return asks_for_json(self.body.get("response_format"))


@dataclass(frozen=True, slots=True)
class _Message:
    """A message of a chat that is one text."""

    kept: dict[str, Json]
    """As it may be stored."""
    text: str
    """The same as canonical JSON."""
    said: dict[str, Json]
    """In the shape that all formats share."""
    said_text: str


class Requests:
    """Reads request bodies under one redaction."""

    def __init__(self, redact: Callable[[Json], Json]) -> None:
        self._redact = redact
        self._remembered = lru_cache(REMEMBERED)(self._unpacked)
        self._short = lru_cache(PROMPTS)(self._message)

    def read(self, body: dict[str, Json]) -> Request:
        """A body as it may be stored.

        Raises:
            ValueError: a number in it is beyond what a float holds.
        """
        values: dict[str, Json] = {}
        members: dict[str, str] = {}
        said = None
        for name, value in body.items():
            if name in LISTS and isinstance(value, list):
                chat = self._chat(value) if name == "messages" and "system" not in body else None
                if chat is not None:
                    said = _said(chat)
                    values[name] = [message.kept for message in chat]
                    members[name] = f'"messages":[{",".join([one.text for one in chat])}]'
                    continue
                items = [self._part("", item) for item in value]
                values[name] = [item[1] for item in items]
                # Each item is written as the member of an object, without a name.
                members[name] = f'"{name}":[{",".join(item[2][3:] for item in items)}]'
            else:
                key, kept, member = self._part(name, value)
                values[key], members[key] = kept, member
        text = "{" + ",".join([members[name] for name in sorted(members)]) + "}"
        return Request(values, text, said)

    def _chat(self, items: list[Json]) -> list[_Message] | None:
        """The messages, where each is one text; as `wire.openai_chat` reads them."""
        found = []
        for item in items:
            if type(item) is not dict or len(item) != 2:
                return None
            role, content = item.get("role"), item.get("content")
            if type(content) is not str or type(role) is not str or role not in TEXT_ROLES:
                return None
            read = self._short if len(content) <= LONGEST_PROMPT else self._message
            found.append(read(role, content))
        return found

    def _message(self, role: str, content: str) -> _Message:
        clean = self._redact({"": {"role": role, "content": content}})[""]["content"]
        text, name = quoted(clean), quoted(role)
        return _Message(
            {"role": role, "content": clean},
            f'{{"content":{text},"role":{name}}}',
            {"role": role, "parts": [{"type": "text", "content": clean}]},
            f'{{"parts":[{{"content":{text},"type":"text"}}],"role":{name}}}',
        )

    def _part(self, name: str, value: Json) -> tuple[str, Json, str]:
        try:
            # Version 2 writes equal values alike; a `Decimal` it does not write.
            key = marshal.dumps((name, value), 2)
        except ValueError:
            return self._read(name, plain(value))
        return self._remembered(key) if len(key) <= LONGEST else self._read(name, value)

    def _unpacked(self, key: bytes) -> tuple[str, Json, str]:
        return self._read(*marshal.loads(key))

    def _read(self, name: str, value: Json) -> tuple[str, Json, str]:
        """Name, value and the member of an object that they are, as they may be stored."""
        clean = self._redact({name: value})
        ((key, kept),) = clean.items()
        return key, kept, dumps(clean)[1:-1]


def _said(chat: list[_Message]) -> str:
    text = f"[{','.join([message.said_text for message in chat])}]"
    recent.remember(text, [message.said for message in chat])
    return text
