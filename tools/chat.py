"""Talk to the model of chapter 7 in the terminal: `make chat`, or `python -m tools.chat` from the
root.

Words appear as they are generated. The whole conversation is the model's prompt, so that it can
refer back; when it no longer fits the context, the oldest turns are forgotten and a notice says so.
/reset forgets the conversation, /quit (or Ctrl-D, or Ctrl-C at the prompt) ends it, Ctrl-C during
an answer stops that answer.
"""

import argparse
import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import torch

from common.alignment.chat import ChatTemplate
from common.artifacts import ArtifactError, ArtifactStore
from common.generate import generate_stream
from common.notebook import BUDGETS, artifacts_root
from common.tokenizer.encode import BPETokenizer
from common.training.checkpoint import load_model

with suppress(ImportError):  # line editing and history at the prompt, where Python has it
    import readline  # noqa: F401

GREETING = "Say something, for example: Tell me a story about Ada.   (/reset forgets, /quit ends)"
Respond = Callable[[list[int]], Iterable[int]]


class Chat:
    """A conversation that stays within the model's context.

    `respond` continues a prompt (ids) and yields the answer's ids one by one, without the closing
    `<|end|>`, until the model ends its turn or `context_length` tokens are reached. The oldest
    turns are forgotten when less than `answer_tokens` are left for the answer, and when an answer
    runs into the end of the context; `forgotten` counts the messages that the last question cost.
    """

    def __init__(
        self, template: ChatTemplate, respond: Respond, *, context_length: int, answer_tokens: int
    ) -> None:
        self.template, self.respond = template, respond
        self.context_length, self.answer_tokens = context_length, answer_tokens
        self.messages: list[dict[str, str]] = []
        self.forgotten = 0

    def ask(self, text: str) -> Iterator[str]:
        """The answer in pieces of text; ValueError when the question alone does not fit.

        The question is in `messages` from now on; add the answer with `answered`.
        """
        question = {"role": "user", "content": text}
        longest, alone = self.context_length - self.answer_tokens, self._prompt([question])
        if len(alone) > longest:
            raise ValueError(
                f"Your message has {len(alone)} tokens, and this model reads at most {longest}. "
                "Please say it in fewer words."
            )
        self.messages, self.forgotten = [*self.messages, question], 0
        while len(self._prompt(self.messages)) > longest:
            self._forget()
        return without_first_space(decode_stream(self.template.tokenizer, self._answer()))

    def answered(self, text: str) -> None:
        """Remember what the model said, even if it was interrupted."""
        self.messages.append({"role": "assistant", "content": text})

    def reset(self) -> None:
        """Forget everything."""
        self.messages = []

    def _answer(self) -> Iterator[int]:
        said: list[int] = []
        while True:
            prompt = self._prompt(self.messages) + said
            for token in self.respond(prompt):
                said.append(token)
                yield token
            full = len(self._prompt(self.messages)) + len(said) >= self.context_length
            if not full or len(self.messages) == 1:
                return
            self._forget()  # and go on with the same answer

    def _forget(self) -> None:
        self.messages, self.forgotten = self.messages[2:], self.forgotten + 2

    def _prompt(self, messages: list[dict[str, str]]) -> list[int]:
        return self.template.render_prompt(messages)


def decode_stream(tokenizer, ids: Iterable[int]) -> Iterator[str]:
    """Text as it comes, from ids as they come; a character waits until all its bytes are there.

    A token of a byte-level tokenizer may end in the middle of a character ("é" is two bytes), and
    bytes that never become a character turn into U+FFFD.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for token in ids:
        if piece := decoder.decode(tokenizer.decode_bytes([token])):
            yield piece
    if rest := decoder.decode(b"", final=True):
        yield rest


def without_first_space(pieces: Iterable[str]) -> Iterator[str]:
    """The same text without the space that the chat template puts in front of every content."""
    pieces = iter(pieces)
    for first in pieces:
        yield first.removeprefix(" ")
        break
    yield from pieces


def talk(chat: Chat, read: Callable[[str], str], write: Callable[[str], None]) -> None:
    """Read a line, answer it, until `read` raises EOFError or KeyboardInterrupt or gives /quit."""
    write(GREETING + "\n")
    while True:
        try:
            line = read("you> ").strip()
        except (EOFError, KeyboardInterrupt):
            write("\n")
            return
        if line == "/quit":
            return
        if line == "/reset":
            chat.reset()
            write("(a new conversation)\n")
        elif line.startswith("/"):
            write(f"(there is no command {line}; there are /reset and /quit)\n")
        elif line:
            _answer(chat, line, write)


def _answer(chat: Chat, line: str, write: Callable[[str], None]) -> None:
    try:
        pieces = chat.ask(line)
    except ValueError as error:
        write(f"({error})\n")
        return
    said: list[str] = []
    write("model> ")
    try:
        for piece in pieces:
            said.append(piece)
            write(piece)
    except KeyboardInterrupt:
        write(" (stopped)")
    write("\n")
    chat.answered("".join(said))
    if chat.forgotten:
        write(f"(to stay within the context, the oldest {chat.forgotten} messages are forgotten)\n")


def open_chat(store: ArtifactStore, *, temperature: float, seed: int | None) -> Chat:
    """A chat with the aligned model of `store`; ArtifactError when it holds none."""
    model = load_model(store.path("aligned"))
    tokenizer = BPETokenizer.load(store.path("tokenizer") / "tokenizer.json")
    template = ChatTemplate(tokenizer)
    context_length = model.config.context_length
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)

    def respond(ids: list[int]) -> Iterator[int]:
        return generate_stream(
            model,
            ids,
            context_length - len(ids),
            stop_ids={template.end_id},
            temperature=temperature,
            generator=generator,
        )

    return Chat(template, respond, context_length=context_length, answer_tokens=context_length // 8)


def _temperature(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"temperature must be at least 0, got {text}")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Run the chat; 0 when it ended as it should, 1 when there is no model to talk to."""
    parser = argparse.ArgumentParser(prog="python -m tools.chat", description=__doc__)
    parser.add_argument("--budget", choices=BUDGETS, default=os.environ.get("BOOK_BUDGET", "book"))
    parser.add_argument(
        "--temperature", type=_temperature, default=0.3, help="0 always says the likeliest words"
    )
    parser.add_argument("--seed", type=int, help="the same seed and words give the same answers")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="replace")  # a terminal without "é" shows "?"
    try:
        store = ArtifactStore(artifacts_root(), options.budget)
        chat = open_chat(store, temperature=options.temperature, seed=options.seed)
    except ArtifactError as error:
        print(
            f"There is no model to talk to yet ({error}). Run `make book` first.", file=sys.stderr
        )
        return 1
    talk(chat, input, lambda text: print(text, end="", flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
