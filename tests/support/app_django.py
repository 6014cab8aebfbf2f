"""A Django project in one file: an LLM behind `/ask`, and a gateway at `/v1/chat/completions`.

BARE=1 leaves the one line out. `wsgi` and `asgi` are the two applications.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from inspect import iscoroutinefunction

import django
import openai
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from shadow_mw import annotate

logging.basicConfig()
settings.configure(
    SECRET_KEY="-",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        *(["shadow_mw.django.ShadowMiddleware"] if "BARE" not in os.environ else []),
        "django.middleware.common.CommonMiddleware",
    ],
    LOGGING_CONFIG=None,
)
django.setup()
client, aclient = openai.OpenAI(max_retries=0), openai.AsyncOpenAI(max_retries=0)
Body = dict[str, object]


def ask(request: HttpRequest) -> HttpResponse:
    body = json.loads(request.body)
    annotate(key=body.get("key"))
    answer = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": body["text"]}]
    )
    return JsonResponse({"text": answer.choices[0].message.content, "pid": os.getpid()})


async def aask(request: HttpRequest) -> HttpResponse:
    body = json.loads(request.body)
    annotate(key=body.get("key"))
    answer = await aclient.chat.completions.create(
        model="m", messages=[{"role": "user", "content": body["text"]}]
    )
    return JsonResponse({"text": answer.choices[0].message.content, "pid": os.getpid()})


def gateway(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Passes the upstream's bytes on, as they come."""
    body = json.loads(request.body)
    if not body.get("stream"):
        with client.chat.completions.with_streaming_response.create(**body) as upstream:
            return HttpResponse(upstream.read(), content_type="application/json")
    return StreamingHttpResponse(_passed(body), content_type="text/event-stream")


def _passed(body: Body) -> Iterator[bytes]:
    with client.chat.completions.with_streaming_response.create(**body) as upstream:
        yield from upstream.iter_bytes()


async def agateway(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Passes the upstream's bytes on, as they come."""
    body = json.loads(request.body)
    if not body.get("stream"):
        async with aclient.chat.completions.with_streaming_response.create(**body) as upstream:
            return HttpResponse(await upstream.read(), content_type="application/json")
    return StreamingHttpResponse(_apassed(body), content_type="text/event-stream")


async def _apassed(body: Body) -> AsyncIterator[bytes]:
    async with aclient.chat.completions.with_streaming_response.create(**body) as upstream:
        async for data in upstream.iter_bytes():
            yield data


views = (aask, agateway) if os.environ.get("DJANGO_VIEWS") == "async" else (ask, gateway)
assert iscoroutinefunction(views[0]) == iscoroutinefunction(views[1])
urlpatterns = [path("ask", views[0]), path("v1/chat/completions", views[1])]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
