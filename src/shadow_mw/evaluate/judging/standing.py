"""Where each judge of a series stands: what a report shows of it, and what a decision may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.correction import Estimate, Scored
from shadow_mw.evaluate.judging.anchors import drifts_of
from shadow_mw.evaluate.judging.drawn import Drawn
from shadow_mw.evaluate.judging.panel import disagreements, panel
from shadow_mw.evaluate.judging.pools import SCORES, newest, pools
from shadow_mw.evaluate.judging.reach import drawn_of
from shadow_mw.evaluate.judging.store import opinions_of
from shadow_mw.evaluate.judging.summary import JudgeCard, at_its_word, judge_cards
from shadow_mw.evaluate.judging.values import Opinion
from shadow_mw.evaluate.labelling.preferences import people
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.standings import IMPORTED, JudgeStanding, PanelStanding, Rate, Standings

NO_FIGURE = Share(0, 0)


def stored_cards(
    store: Store, series: Series, opinions: Sequence[Opinion], drawn: Drawn
) -> list[JudgeCard]:
    """Every judge and epoch of a series by what the store knows, people's labels too."""
    return _cards(store, series, opinions, drawn)


def _cards(
    store: Store, series: Series, opinions: Sequence[Opinion], drawn: Drawn, pairs: str = ""
) -> list[JudgeCard]:
    drifts = drifts_of(store, series, opinions)
    labels = people(store, series)
    if pairs:
        kept = _pair_ids(store, series, pairs)
        labels = {pair_id: row for pair_id, row in labels.items() if pair_id in kept}
    return judge_cards(opinions, drawn, labels, drifts=drifts)


def standings(store: Store, series: Series, pairs: str = "", cluster: str = "session") -> Standings:
    """Each judge's newest epoch over a series, and the panel that they make.

    Args:
        store: where they are.
        series: which candidate.
        pairs: a condition on `pairs`; '' takes all.
        cluster: `session`, `key` or `pair`: what is independent of one another.
    """
    opinions = _among(store, series, opinions_of(store, series), pairs)
    drawn = drawn_of(store, series, {opinion.spec for opinion in opinions}, pairs, cluster)
    cards = [card for card in _cards(store, series, opinions, drawn, pairs) if card.newest]
    return Standings(tuple(map(_standing, cards)), panel_of(opinions, drawn))


def _among(
    store: Store, series: Series, opinions: Sequence[Opinion], pairs: str
) -> Sequence[Opinion]:
    if not pairs:
        return opinions
    kept = _pair_ids(store, series, pairs)
    return [opinion for opinion in opinions if opinion.pair_id in kept]


def _pair_ids(store: Store, series: Series, pairs: str) -> set[str]:
    rows = store.query(
        "SELECT pair_id FROM observations WHERE id IN"
        f" (SELECT primary_row FROM pairs WHERE series = {SERIES} AND {pairs})",
        (series.experiment, series.candidate),
    )
    return {pair_id for (pair_id,) in rows}


def panel_of(opinions: Sequence[Opinion], drawn: Drawn) -> PanelStanding | None:
    """Several judges as one, each in its newest epoch; None unless two have a pair in common."""
    if len({opinion.judge for opinion in opinions}) < 2:
        return None
    found = newest(pools(opinions)).items()
    judges = [pool for _, pool in sorted(found, key=itemgetter(0)) if pool.judgements]
    verdicts = panel([pool.judgements for pool in judges]) if len(judges) > 1 else []
    if not verdicts:
        return None
    wins = Counter(verdict.winner.value for verdict in verdicts)
    imported = all(pool.epoch == IMPORTED for pool in judges)
    items = {judgement.pair_id: judgement.item for judgement in judges[0].judgements}
    said = [(verdict.pair_id, items[verdict.pair_id]) for verdict in verdicts]
    weighed = drawn.weighed(said, "", imported=imported)
    scores = [
        Scored(SCORES[v.winner], None, None, None, *weighed.of(v.pair_id))
        for v in verdicts
        if v.winner in SCORES
    ]
    differing = disagreements(verdicts)
    return PanelStanding(
        tuple(pool.judge for pool in judges),
        len(verdicts),
        {name: wins[name] for name in ("candidate", "primary", "tie", "invalid")},
        _share(Share(len(verdicts) - len(differing), len(verdicts))),
        _rate(at_its_word(scores), len(scores)) if scores else None,
        tuple(sorted(verdict.pair_id for verdict in differing)),
    )


def _standing(card: JudgeCard) -> JudgeStanding:
    bias, checked = card.bias, card.qualification
    n = sum(card.wins.values())
    return JudgeStanding(
        judge=card.judge,
        model=card.model,
        fingerprint=card.spec,
        epoch=card.epoch,
        judged=n,
        identical=card.identical,
        invalid=_share(bias.invalid if bias else NO_FIGURE),
        inconsistent=_share(bias.inconsistent if bias else NO_FIGURE),
        qualified=None if checked is None else card.qualified,
        agreement_lb=checked.lower if checked else None,
        labels=checked.n if checked else 0,
        reasons=card.reasons,
        naive=_rate(card.naive, n),
        corrected=_rate(card.corrected, n),
        drift=card.drift,
        weighted=card.weighted,
        unjudged=card.unjudged,
    )


def _share(share: Share) -> Rate:
    return Rate(share.value or 0.0, *share.interval, share.n)


def _rate(found: Estimate | None, n: int) -> Rate | None:
    return Rate(found.value, found.low, found.high, n) if found else None
