"""What can be wrong with a training file: the names of all rules, and how much each matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

ERRORS = {
    # by the names that OpenAI's data-preparation script gave them
    "data_type": "the line is no JSON object",
    "missing_messages_list": "the line holds no messages",
    "message_missing_key": "a message has no role or no content",
    "message_unrecognized_key": "a message has a key that is none of the format's",
    "unrecognized_role": "a message's role is none of the format's",
    "missing_content": "a message says nothing: its content is empty, or is no text",
    "example_missing_assistant_message": "no message shows the model what to answer",
    # the file
    "no_examples": "the file holds no example",
    "invalid_json": "the line is no JSON",
    "invalid_utf8": "the line is not encoded in UTF-8",
    "byte_order_mark": "the file begins with a byte order mark",
    "line_too_long": "the line is too long to be one example",
    "nested_too_deeply": "the line's JSON is nested too deeply",
    "number_too_long": "a number has too many digits",
    "duplicate_key": "a key stands twice in one object",
    "mixed_formats": "the lines are not all of one format",
    # the text
    "special_token": "a text spells one of the models' special tokens, which fails the job",
    "lone_surrogate": "a text holds half of a surrogate pair, which is no character",
    # messages
    "invalid_message": "a message is no object",
    "invalid_content": "a part of a message's content is none of the format's",
    "invalid_weight": "a weight is neither 0 nor 1",
    "nothing_to_learn": "every assistant message has weight 0",
    "invalid_name": "a name holds characters that are not allowed",
    # tools
    "invalid_tools": "a tool is not declared as the format has it",
    "invalid_tool_call": "a tool call is not written as the format has it",
    "missing_tool_call_id": "a tool's result does not say which call it answers",
    "unknown_tool_call_id": "a tool's result answers no call that was made before it",
    # preference and prompt-completion pairs
    "invalid_preference": "a preference pair lacks its input or one of its outputs",
    "invalid_pair": "a prompt-completion pair lacks one of its texts",
}

WARNINGS = {
    "blank_line": "the line is blank",
    "unrecognized_key": "the example has a key that is none of the format's",
    "nul_character": "a text holds a NUL character",
    "developer_role": "the role developer is not listed for training",
    "unclosed_turn": "nothing is learned from what follows the last assistant message",
    "empty_answer": "an answer holds nothing but white space",
    "weight_without_effect": "a weight stands on a message that is not the assistant's",
    "deprecated_functions": "functions and function_call were replaced by tools and tool_calls",
    "undeclared_tool": "a tool is called that the example does not declare",
    "invalid_arguments": "a tool call's arguments are no JSON object: the model learns to write them so",
    "unanswered_tool_call": "a tool call in mid-conversation has no result",
    "no_preference": "the preferred and the non-preferred output are the same",
    "duplicate_example": "the same example stands in the file twice",
    "too_few_examples": "a job needs more examples",
    "too_many_tokens": "the example is longer than the model reads: its end is cut off",
    "file_too_large": "the file is larger than an upload may be",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a training file.

    Attributes:
        line: counted from 1; 0 where it is the whole file's.
        column: the character in the line, counted from 1, where that is known.
        rule: a key of ERRORS or WARNINGS.
        severity: an error makes the file unfit for a job; a warning does not.
        message: what was found, and where in the line.
        remedy: what to write instead.
    """

    line: int
    column: int | None
    rule: str
    severity: Severity
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding before its line is known; its severity is its rule's."""

    rule: str
    message: str
    remedy: str
    column: int | None = None

    def on(self, line: int) -> Finding:
        """The finding, on its line."""
        severity: Severity = "error" if self.rule in ERRORS else "warning"
        return Finding(line, self.column, self.rule, severity, self.message, self.remedy)
