"""POST /v1/completions, the legacy interface: a text is continued.

request.py reads, asked.py prepares what the engine is asked, bodies.py writes the answers.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.api.asking import start, unless_gone, worked
from evalkit.local.api.bodies import EventStream
from evalkit.local.api.completions.asked import prepared
from evalkit.local.api.completions.bodies import chunks, whole
from evalkit.local.api.completions.request import read_completion
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields, read_json
from evalkit.local.services import services_of


async def create(request: Request) -> Response:
    """Continue one prompt or several, whole or as a stream."""
    services = services_of(request)
    body = await request.body()
    read = await worked(len(body), lambda: read_completion(Fields(read_json(body))))
    asked = await prepared(services, read)
    questions = asked.questions()
    if read.sampling.stream:
        return EventStream(chunks(asked, questions))
    generation = start(services, questions, live=False)
    try:
        return JsonResponse(whole(asked, await unless_gone(request, generation.whole())))
    finally:
        generation.cancel()
