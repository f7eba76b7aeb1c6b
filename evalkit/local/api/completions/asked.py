"""Legacy completions on their way to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.local.api.asking import check_tokens, job_for, room, worked
from evalkit.local.api.completions.request import CompletionRequest, Tokens
from evalkit.local.chat_template import Prompt
from evalkit.local.engine.job import Job
from evalkit.local.generation import Question
from evalkit.local.served import ServedModel
from evalkit.local.services import Services


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the engine, and what the bodies of the answers say beside the answers."""

    services: Services
    request: CompletionRequest
    model: ServedModel
    prompts: tuple[Prompt, ...]

    def questions(self) -> list[Question]:
        """Prompt after prompt, as many questions as answers are drawn for it.

        Raises:
            ApiError: a prompt and its answer have no room together, or a token is unknown.
        """
        return [question for prompt in self.prompts for question in self._questions(prompt)]

    def asked_text(self, prompt: int) -> str:
        """Give a prompt as text."""
        return self.services.template.text(self.prompts[prompt].ids)

    def _questions(self, prompt: Prompt) -> list[Question]:
        request = self.request
        tokens = room(self.services.engine.max_len, len(prompt.ids), request.max_tokens, param="prompt")
        job = job_for(self.services, self.model, prompt, request.sampling, tokens)
        job = replace(_scoring(job) if request.scores_prompt else job, logprobs=request.logprobs)
        return [
            Question(replace(job, seed=request.sampling.seed_of(index)), request.sampling.stops)
            for index in range(request.drawn)
        ]


async def prepared(services: Services, request: CompletionRequest) -> Asked:
    """Find the model and turn the prompts into tokens.

    Raises:
        ApiError: the model is unknown, or a token.
    """
    model = services.models.find(request.model)
    length = sum(map(len, request.prompts))
    prompts = await worked(length, lambda: _encoded(services, request.prompts))
    return Asked(services, request, model, prompts)


def _scoring(job: Job) -> Job:
    """Have the prompt's tokens told with their log probabilities; the first has none."""
    return replace(job, ids=job.ids[:1], given=job.ids[1:], prefix=0)


def _encoded(services: Services, prompts: Sequence[str | Tokens]) -> tuple[Prompt, ...]:
    out = []
    for prompt in prompts:
        if isinstance(prompt, str):
            out.append(services.template.text_prompt(prompt))
        else:
            check_tokens(prompt, len(services.vocabulary), "prompt")
            out.append(Prompt(prompt, prefix=0))
    return tuple(out)
