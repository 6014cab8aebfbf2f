"""A `tokenizer.json`, read from disk: nothing is ever fetched."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shadow_mw.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from tokenizers import AddedToken


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text, as tokens."""

    tokens: int
    control: tuple[str, ...]
    """Control tokens that the text became in part, in their order."""
    same: bool
    """Whether the tokens decode to the very text."""


class LocalTokenizer:
    """One tokeniser; its own truncation and padding are off."""

    def __init__(self, path: Path) -> None:
        if importlib.util.find_spec("tokenizers") is None:
            raise ConfigError("preflight needs tokenizers: pip install 'shadow-mw[tokenizers]'")
        from tokenizers import Tokenizer

        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise DataError(f"{path}: not UTF-8; accepted is a tokenizer.json") from None
        try:
            self._tokenizer = Tokenizer.from_str(text)
        except Exception as error:  # noqa: BLE001  # the library raises nothing more exact
            raise DataError(f"{path}: not a tokenizer.json ({error})") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        added = self._tokenizer.get_added_tokens_decoder()
        self._control = {
            number: token.content for number, token in added.items() if _is_control(token)
        }

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Each text as a server's template holds it: without tokens of its own around it."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        decoded = self._tokenizer.decode_batch(
            [encoding.ids for encoding in encodings], skip_special_tokens=False
        )
        return [
            Encoded(len(encoding.ids), self._controls(text, encoding.ids), back == text)
            for text, encoding, back in zip(texts, encodings, decoded, strict=True)
        ]

    def _controls(self, text: str, ids: Sequence[int]) -> tuple[str, ...]:
        """An unknown character becomes `<unk>` without saying so, and orders nothing."""
        found = (self._control[number] for number in ids if number in self._control)
        return tuple(name for name in found if name in text)


def _is_control(token: AddedToken) -> bool:
    """Marked so, or of that form: models obey `<think>` and `<tool_call>` too."""
    return token.special or (token.content[:1] == "<" and token.content[-1:] == ">")
