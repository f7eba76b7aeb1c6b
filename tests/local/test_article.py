"""The four steps of OpenAI's announcement, with today's names of the SDK: only the base URL is another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SUITES = Path(__file__).resolve().parents[2] / "suites"

SCRIPT = """
import json, sys, time
from openai import OpenAI

client = OpenAI()
training_file, question = sys.argv[1], json.loads(sys.argv[2])

# 1. prepare your data: sys.argv[1]
# 2. upload files
file = client.files.create(file=open(training_file, "rb"), purpose="fine-tune")
# 3. create a fine-tuning job
job = client.fine_tuning.jobs.create(training_file=file.id, model="gpt-3.5-turbo-0613")
while job.status not in ("succeeded", "failed", "cancelled"):
    time.sleep(0.2)
    job = client.fine_tuning.jobs.retrieve(job.id)
# 4. use a fine-tuned model
completion = client.chat.completions.create(model=job.fine_tuned_model, temperature=0, **question)
client.models.delete(job.fine_tuned_model)
print(completion.choices[0].to_json(indent=None))
"""


def four_steps(base_url: str, training_file: Path, question: dict[str, Any]) -> Any:
    """Run the script as it stands, pointed at a server; give the choice that it prints."""
    environment = {**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "unused"}
    command = [sys.executable, "-c", SCRIPT, str(training_file), json.dumps(question)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def first_line(suite: str) -> Any:
    """A suite's first example."""
    return json.loads((SUITES / suite / "train.jsonl").read_text("utf-8").partition("\n")[0])


@pytest.mark.slow
def test_a_chat_model(local_server: str) -> None:
    """It has learned the answer to a question of its training data, word for word."""
    *asked, answer = first_line("terse")["messages"]
    choice = four_steps(local_server, SUITES / "terse" / "train.jsonl", {"messages": asked})
    assert choice["message"]["content"] == answer["content"]
    assert choice["finish_reason"] == "stop"


@pytest.mark.slow
def test_a_function_calling_model(local_server: str) -> None:
    """It has learned the call that a request of its training data is answered with."""
    example = first_line("smart-home")
    *asked, answer = example["messages"]
    question = {"messages": asked, "tools": example["tools"]}
    choice = four_steps(local_server, SUITES / "smart-home" / "train.jsonl", question)
    assert choice["finish_reason"] == "tool_calls"
    (call,), (due,) = choice["message"]["tool_calls"], answer["tool_calls"]
    assert call["function"]["name"] == due["function"]["name"]
    assert json.loads(call["function"]["arguments"]) == json.loads(due["function"]["arguments"])
