"""The evaluator as a service: OTLP in over HTTP, what is known out."""
