"""How alike two texts are in their letters: lexical similarity, which says nothing of meaning."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher
from functools import cache
from typing import Final

from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult

CHARACTERS: Final = "characters"
"""rapidfuzz: characters in common, in order (Indel similarity)."""
WORDS: Final = "words"
"""difflib, where rapidfuzz is not installed: words in common, in blocks."""

MAX_CHARACTERS: Final = 8_000
MAX_WORDS: Final = 400


class LexicalSimilarity:
    """From 0, nothing in common, to 1, the same text; the label says by which measure."""

    name = "lexical_similarity"

    def run(self, case: Case) -> CheckResult | None:
        """Where both have text, not both JSON; long texts are compared by their beginnings.

        A text has nothing in common with an answer that has none, as a tool call or a refusal.
        """
        ours, theirs = case.primary.text, case.candidate.text
        silent = _only_text(case.primary, case.candidate) or _only_text(
            case.candidate, case.primary
        )
        if not silent and (not ours or not theirs or case.both_documents):
            return None
        value, measure = similarity(ours, theirs)
        cut = max(len(ours), len(theirs)) > MAX_CHARACTERS
        detail = f"first {MAX_CHARACTERS} characters" if cut else ""
        return CheckResult(self.name, None, value, measure, detail)


def _only_text(side: Side, other: Side) -> bool:
    """Whether one leg says something and calls nothing, and the other one says nothing."""
    says = side.text and not side.tool_calls and not side.is_document
    return bool(says) and side.answered and other.answered and not other.text


def similarity(one: str, other: str) -> tuple[float, str]:
    """The similarity of two texts, and its measure."""
    one, other = one[:MAX_CHARACTERS], other[:MAX_CHARACTERS]
    ratio = _rapidfuzz()
    if ratio is not None:
        return ratio(one, other), CHARACTERS
    return (1.0 if one == other else word_similarity(one, other)), WORDS


def word_similarity(one: str, other: str) -> float:
    """Twice the words in matching blocks over all words; the same in either order."""
    left, right = sorted((one.split()[:MAX_WORDS], other.split()[:MAX_WORDS]))
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


@cache
def _rapidfuzz() -> Callable[[str, str], float] | None:
    try:
        from rapidfuzz.distance import Indel
    except ImportError:
        return None
    return Indel.normalized_similarity
