"""POST /v1/chat/completions.

messages.py and request.py read, asked.py prepares what the engine is asked, bodies.py writes the answers.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.api.asking import start, unless_gone, worked
from evalkit.local.api.bodies import EventStream
from evalkit.local.api.chat.asked import prepared
from evalkit.local.api.chat.bodies import chunks, whole
from evalkit.local.api.chat.request import read_chat
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields, read_json
from evalkit.local.services import services_of


async def create(request: Request) -> Response:
    """Answer a chat, whole or as a stream."""
    services = services_of(request)
    body = await request.body()
    read = await worked(len(body), lambda: read_chat(Fields(read_json(body))))
    asked = await prepared(services, read, prompt_in="messages", form_in="response_format")
    if read.sampling.stream:
        return EventStream(chunks(asked))
    generation = start(services, asked.questions, live=False)
    try:
        return JsonResponse(whole(asked, await unless_gone(request, generation.whole())))
    finally:
        generation.cancel()
