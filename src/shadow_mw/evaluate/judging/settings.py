"""From settings to judges and how they are asked."""

from __future__ import annotations

from collections.abc import Collection

from shadow_mw.evaluate.judging.values import RUBRIC, Judge, JudgeSettings
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import JudgeEndpoint, Settings


def judges_of(settings: Settings, names: Collection[str] = ()) -> list[Judge]:
    """The judges of these names, all without any.

    Raises:
        ConfigError: there is none, or none of that name.
    """
    judges = [_judge(endpoint) for endpoint in settings.judges]
    if not judges:
        raise ConfigError(
            "no judge is set: accepted are [[judges]] with url and model in shadow.toml, or"
            ' SHADOW_JUDGES=[{"url": "https://host/v1", "model": "..."}]'
        )
    titles = [judge.title for judge in judges]
    unknown = [name for name in names if name not in titles]
    if unknown:
        raise ConfigError(f"no judge is called {unknown[0]!r}: there are {', '.join(titles)}")
    return [judge for judge in judges if not names or judge.title in names]


def judge_settings(settings: Settings, **overrides: object) -> JudgeSettings:
    """How judges are asked; what is given and not None goes before `[judge]`."""
    used = settings.judge.model_copy(
        update={name: value for name, value in overrides.items() if value is not None}
    )
    values = used.model_dump()
    return JudgeSettings(**values | {"rubric": used.rubric or RUBRIC})


def _judge(endpoint: JudgeEndpoint) -> Judge:
    values = endpoint.model_dump()
    key = endpoint.api_key
    return Judge(**values | {"api_key": None if key is None else key.get_secret_value()})
