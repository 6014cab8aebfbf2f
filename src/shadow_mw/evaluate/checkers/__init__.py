"""The checks that come with shadow_mw, one module each; `evaluate.checks` runs them."""
