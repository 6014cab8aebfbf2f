"""examples/fastapi_app as it is, with a provider of traces: FastAPI makes spans once there is one.

OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME say where they go, and whose they are.
"""

import sys
from pathlib import Path

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "fastapi_app"))
from main import app  # noqa: E402

__all__ = ["app"]
