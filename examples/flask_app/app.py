"""A Flask app with an LLM behind one endpoint, and the one line that mirrors its calls.

    pip install "$REPO" flask openai      # where shadow_mw's repository is
    export OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=...
    export SHADOW_CANDIDATE_URL=http://localhost:8001/v1 SHADOW_CANDIDATE_MODEL=my-fine-tune
    flask --app app run          # or: gunicorn app:app
    curl localhost:5000/extract -H 'content-type: application/json' \
        -d '{"id": "invoice-17", "text": "Acme Ltd\nInvoice No: 17\nTotal: GBP 9.00"}'
    shadow-mw report
"""

import json
import os

from flask import Flask, request
from openai import OpenAI

from shadow_mw import annotate
from shadow_mw.wsgi import ShadowMiddleware

FIELDS = ("company", "invoice_number", "total", "vendor_tax_id")
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": ["string", "null"]} for name in FIELDS},
    "required": list(FIELDS),
    "additionalProperties": False,
}

app = Flask(__name__)
app.wsgi_app = ShadowMiddleware(app.wsgi_app)
client = OpenAI()


@app.post("/extract")
def extract():
    document = request.get_json()
    annotate(key=document["id"])
    answer = client.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
        messages=[
            {"role": "system", "content": "Extract the fields; null where not stated."},
            {"role": "user", "content": document["text"]},
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "invoice", "strict": True, "schema": SCHEMA},
        },
    )
    return json.loads(answer.choices[0].message.content or "{}")
