"""POST /v1/responses; GET and DELETE /v1/responses/{response_id}, and its input_items.

items.py and request.py read; a request is asked as a chat is; output.py and bodies.py write.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response as HttpResponse

from evalkit.local.api.asking import start, unless_gone, worked
from evalkit.local.api.bodies import TypedEventStream
from evalkit.local.api.chat.asked import prepared
from evalkit.local.api.responses.bodies import Response
from evalkit.local.api.responses.request import previous_items, read_response
from evalkit.local.http.errors import ApiError
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.lists import listed, read_limit
from evalkit.local.http.validate import Fields, read_json
from evalkit.local.rows import StoredResponse
from evalkit.local.services import services_of

MOST_LISTED = 100


async def create(request: Request) -> HttpResponse:
    """Answer, whole or as a stream of typed events."""
    services = services_of(request)
    sent = await request.body()
    body = await worked(len(sent), lambda: Fields(read_json(sent)))
    before = previous_items(body, services.store)
    read = await worked(len(sent), lambda: read_response(body, before))
    asked = await prepared(services, read.chat, prompt_in="input", form_in="text.format.schema")
    response = Response(read, asked)
    if read.chat.sampling.stream:
        return TypedEventStream(response.events())
    generation = start(services, asked.questions, live=False)
    try:
        (answer,) = await unless_gone(request, generation.whole())
    finally:
        generation.cancel()
    output = response.output()
    output.take(answer)
    return JsonResponse(response.ended(answer, output.items))


async def retrieve(request: Request) -> HttpResponse:
    """Give a response that was stored."""
    if request.query_params.get("stream") == "true":
        raise ApiError(
            "This response cannot be streamed: it was not created with background=true.", param="stream"
        )
    return JsonResponse(_stored(request).body)


async def delete(request: Request) -> HttpResponse:
    """Forget a response."""
    found, store = _stored(request), services_of(request).store
    with store.transaction():
        store.delete(found)
    return JsonResponse({"id": found.id, "object": "response", "deleted": True})


async def input_items(request: Request) -> HttpResponse:
    """List the conversation that a response answers, newest item first unless `order=asc`."""
    query, items = request.query_params, [dict(item) for item in _stored(request).items]
    limit = read_limit(query, 20, most=MOST_LISTED)
    if Fields({"order": "desc", **query}).choice("order", ("desc", "asc")) == "desc":
        items.reverse()
    after, ids = query.get("after"), [item["id"] for item in items]
    begin = 0 if after is None else ids.index(after) + 1 if after in ids else len(ids)
    return JsonResponse(listed(items[begin : begin + limit], has_more=begin + limit < len(items)))


def _stored(request: Request) -> StoredResponse:
    id = request.path_params["response_id"]
    found = services_of(request).store.get(StoredResponse, id)
    if found is None:
        raise ApiError(f"Response with id '{id[:80]}' not found.", status=404)
    return found
