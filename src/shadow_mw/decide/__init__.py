"""From evidence to a verdict: plan, statistics, gates. Read `verdict.py` first."""
