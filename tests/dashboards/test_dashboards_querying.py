"""The commands of docs/querying.md, run as they are written there."""

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from time import time_ns

from support.lab import until
from support.otelcol import running_jaeger
from support.otlp_traffic import Made, pair, send

from shadow_mw.scores import PairScores, Score
from shadow_mw.serve.scores import Publisher

DOCS = Path(__file__).parents[2] / "docs" / "querying.md"
FAILED = Score("shadow.exact_match", 0.0, "fail", None)


def commands():
    (block,) = DOCS.read_text().partition("## Jaeger")[2].split("```sh\n")[1:]
    lines = block.partition("```")[0].replace("\\\n", "").splitlines()
    return [line for line in lines if line.strip()]


def run(command, values):
    for name, value in values.items():
        command = command.replace(name, value)
    words = ["curl", "--silent", "--noproxy", "*", "--max-time", "20", *shlex.split(command)[1:]]
    done = subprocess.run(words, capture_output=True, timeout=30, check=True)
    return json.loads(done.stdout)


def test_jaeger_finds_pairs_as_the_page_says(tmp_path: Path) -> None:
    other, legs = Made("GET /"), pair("p-17", Made("POST /ask"), mark=None)
    primary, candidate = (replace(leg, resource={"service.name": "shop"}) for leg in legs)
    scores = PairScores("exp", "cand", "p-17", primary.trace, candidate.id, time_ns(), (FAILED,))
    with running_jaeger(tmp_path) as jaeger:
        assert send(jaeger.otlp_http, [other, primary, candidate]) == 200
        publisher = Publisher(jaeger.otlp_http)
        assert publisher.publish([scores])
        publisher.close()
        until(lambda: len(jaeger.trace(primary.trace)) == 3, "Jaeger has the pair")
        values = {
            "$JAEGER": jaeger.query,
            "SERVICE": "shop",
            "PAIR_ID": "p-17",
            "TRACE_ID": primary.trace,
        }

        answers = [run(command, values) for command in commands()]

        assert len(answers) == 4
        for answer in answers:
            assert len(answer["data"]) == 1, answer
            (trace,) = answer["data"]
            assert trace["traceID"] == primary.trace
            assert len(trace["spans"]) == 3
        jaeger.kill()
