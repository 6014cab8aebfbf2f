"""A FastAPI app with an LLM behind one endpoint, and the one line that mirrors its calls.

    pip install "$REPO" fastapi uvicorn openai      # where shadow_mw's repository is
    export OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=...
    export SHADOW_CANDIDATE_URL=http://localhost:8001/v1 SHADOW_CANDIDATE_MODEL=my-fine-tune
    uvicorn main:app
    curl localhost:8000/extract -H 'content-type: application/json' \
        -d '{"id": "invoice-17", "text": "Acme Ltd\nInvoice No: 17\nTotal: GBP 9.00"}'
    shadow-mw report
"""

import json
import os

from fastapi import FastAPI
from openai import AsyncOpenAI
from pydantic import BaseModel

from shadow_mw import annotate
from shadow_mw.asgi import ShadowMiddleware

FIELDS = ("company", "invoice_number", "total", "vendor_tax_id")
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": ["string", "null"]} for name in FIELDS},
    "required": list(FIELDS),
    "additionalProperties": False,
}

app = FastAPI()
app.add_middleware(ShadowMiddleware)
client = AsyncOpenAI()


class Document(BaseModel):
    id: str
    text: str


@app.post("/extract")
async def extract(document: Document) -> dict[str, str | None]:
    annotate(key=document.id)
    answer = await client.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
        messages=[
            {"role": "system", "content": "Extract the fields; null where not stated."},
            {"role": "user", "content": document.text},
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "invoice", "strict": True, "schema": SCHEMA},
        },
    )
    return json.loads(answer.choices[0].message.content or "{}")
