"""The writer over a sink that fails in the middle of a request."""

import pytest
from evaluate.spans import both
from support.waiting import WAIT

from shadow_mw.evaluate.ingest import record
from shadow_mw.records import Reading
from shadow_mw.serve.writer import Batch, Writer

READING = Reading("e", "c", "runner:h", counts={"captured": 1})


class Sink:
    """Takes what it is told to take."""

    def __init__(self, bad):
        self.bad = bad
        self.taken = []

    def ingest(self, records, readings):
        if any(one is self.bad for one in (*records, *readings)):
            raise ArithmeticError("cannot be evaluated")
        self.taken += [*records, *readings]
        return True


def spans():
    return [record(span) for span in both()]


@pytest.mark.parametrize("which", ["reading", "span"])
def test_what_cannot_be_taken_is_left_out_and_the_thread_goes_on(which, caplog):
    good = spans()
    sink = Sink(READING if which == "reading" else good[0])
    writer = Writer(sink)
    try:
        done = writer.submit(lambda: Batch(spans=good, readings=[READING]))
        assert done.result(WAIT).rejected.total() == (which == "span")
        assert writer.submit(Batch).result(WAIT) is not None
    finally:
        writer.close()
    assert [one for one in (*good, READING) if one is not sink.bad] == sink.taken
    assert "left out" in caplog.text
