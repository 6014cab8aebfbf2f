import json
import os

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST
from openai import OpenAI

from shadow_mw import annotate

FIELDS = ("company", "invoice_number", "total", "vendor_tax_id")
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": ["string", "null"]} for name in FIELDS},
    "required": list(FIELDS),
    "additionalProperties": False,
}

client = OpenAI()


@require_POST
def extract(request: HttpRequest) -> JsonResponse:
    document = json.loads(request.body)
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
    return JsonResponse(json.loads(answer.choices[0].message.content or "{}"))
