"""Which models are of one family: a judge is partial to its own (2404.13076)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shadow_mw.evaluate.judging.values import Item, Judge
from shadow_mw.exceptions import ConfigError
from shadow_mw.types import Role

FAMILIES: dict[str, tuple[str, ...]] = {
    "gpt": ("gpt", "chatgpt", "o1", "o3", "o4", "davinci", "codex"),
    "claude": ("claude",),
    "gemini": ("gemini", "gemma", "palm"),
    "llama": ("llama", "codellama", "vicuna", "alpaca"),
    "mistral": ("mistral", "mixtral", "ministral", "magistral", "codestral", "pixtral", "devstral"),
    "qwen": ("qwen", "qwq", "qvq"),
    "deepseek": ("deepseek",),
    "grok": ("grok",),
    "command": ("command-r", "command-a", "aya"),
    "phi": ("phi",),
    "nova": ("nova",),
    "glm": ("glm", "chatglm"),
    "kimi": ("kimi", "moonshot"),
    "minimax": ("minimax", "abab"),
    "falcon": ("falcon",),
    "granite": ("granite",),
}
"""Family to how its models' names begin, after any `provider/`, `ft:` or other first part."""

_STARTS = {start: family for family, starts in FAMILIES.items() for start in starts}
_BEGINS = re.compile(rf"(?<![a-z0-9])({'|'.join(sorted(_STARTS, key=len, reverse=True))})(?![a-z])")


def families(model: str) -> frozenset[str]:
    """The families that a model's name shows: several where it is distilled, none where unknown."""
    return frozenset(_STARTS[start] for start in _BEGINS.findall(model.lower()))


def same_family(judge: str, model: str) -> bool:
    """Whether a judge would judge its own kind."""
    return judge.lower() == model.lower() or bool(families(judge) & families(model))


def kin(
    judge: Judge, items: Iterable[Item], answering: Iterable[str | None] = ()
) -> tuple[Role, ...]:
    """The roles whose models are of the judge's family in any of the pairs.

    Args:
        judge: by the name under which it is asked.
        items: the pairs.
        answering: the names under which it answered: behind a gateway's alias may be any model.
    """
    names = {judge.model, *filter(None, answering)}
    models = {
        (role, model)
        for item in items
        for role, model in (
            (Role.PRIMARY, item.primary_model),
            (Role.CANDIDATE, item.candidate_model),
        )
    }
    found = {
        role for role, model in models if model and any(same_family(name, model) for name in names)
    }
    return tuple(sorted(found, reverse=True))


def check_families(
    judges: Sequence[Judge], items: Sequence[Item], *, allowed: bool
) -> tuple[str, ...]:
    """Refuse judges of an arm's family.

    Returns:
        What was overridden, for the record.

    Raises:
        ConfigError: a judge is of an arm's family, and that is not allowed.
    """
    found = [(judge, role) for judge in judges for role in kin(judge, items)]
    if found and not allowed:
        judge, role = found[0]
        raise ConfigError(
            f"judge {judge.title} is of the {role} model's family and would judge its own kind:"
            " take another judge, or allow the same family"
        )
    return tuple(f"{judge.title} is of the {role} model's family" for judge, role in found)
