"""A chat on its way to the engine: the model is found, the prompt laid out, the answer's form compiled."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalkit.local.api.asking import job_for, room, worked
from evalkit.local.api.chat.request import ChatRequest
from evalkit.local.api.forms import constraint
from evalkit.local.chat_template import Prompt
from evalkit.local.generation import Question
from evalkit.local.served import ServedModel
from evalkit.local.services import Services

PER_MESSAGE = 50  # characters, that it adds to the length of a prompt for its own work,
PER_TOOL = 500  # and each tool


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the engine, and what the answer's bodies say beside the answer."""

    services: Services
    request: ChatRequest
    model: ServedModel
    prompt: Prompt
    questions: tuple[Question, ...]


async def prepared(services: Services, request: ChatRequest, *, prompt_in: str, form_in: str) -> Asked:
    """Find the model, lay out the prompt and compile what the answer is held to.

    Args:
        services: the parts of the server.
        request: what was read.
        prompt_in, form_in: the fields of the body that hold the messages and the JSON form.

    Raises:
        ApiError: the model is unknown, prompt and answer have no room together, or a schema cannot be held.
    """
    model = services.models.find(request.model)
    prompt = await _laid_out(services, request)
    tokens = room(services.engine.max_len, len(prompt.ids), request.max_tokens, param=prompt_in)
    job = job_for(services, model, prompt, request.sampling, tokens)
    questions = [
        Question(
            job=replace(
                job,
                seed=request.sampling.seed_of(index),
                logprobs=request.logprobs,
                allow=await constraint(services, request.form, form_in),
            ),
            stops=request.sampling.stops,
            calls=bool(request.form.callable),
        )
        for index in range(request.sampling.answers)
    ]
    return Asked(services, request, model, prompt, tuple(questions))


async def _laid_out(services: Services, request: ChatRequest) -> Prompt:
    length = sum(len(message.said) + PER_MESSAGE for message in request.messages)
    length += PER_TOOL * len(request.tools)
    return await worked(length, lambda: services.template.prompt(request.messages, request.tools))
