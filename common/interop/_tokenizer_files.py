"""What stands beside the weights: the tokenizer, the chat template, and how to generate.

The template is `ChatTemplate` written in Jinja, the language of Hugging Face's templates: messages
in, text out, which is then encoded with the control tokens in it. A user who types a control token
would produce it, so the template refuses such a message, where ours encodes it as text.

Needs: ../tokenizer/.
"""

from typing import Any

from ..tokenizer import CHAT_SPECIAL_TOKENS, BPETokenizer

# Same ids and, through {% generation %}, same loss mask as common/alignment/chat.py.
CHAT_TEMPLATE = (
    "{%- if not messages -%}"
    "{{ raise_exception('a conversation needs at least 1 message, got 0') }}"
    "{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant'] -%}"
    "{{ raise_exception('role must be one of system, user, assistant') }}"
    "{%- endif -%}"
    "{%- for token in [CONTROL_TOKENS] -%}"
    "{%- if token in message['content'] -%}"
    "{{ raise_exception('a message must not contain the control token ' + token) }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{{- '<|' + message['role'] + '|>' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- ' ' + message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- ' ' + message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{%- if messages[-1]['role'] == 'assistant' -%}"
    "{{ raise_exception('the last message of a prompt must not be the assistant\\'s own') }}"
    "{%- endif -%}"
    "{{- '<|assistant|>' -}}"
    "{%- endif -%}"
)


def tokenizer_settings(tokenizer: BPETokenizer, context_length: int) -> dict[str, Any]:
    """The content of a tokenizer_config.json; a template where there are tokens to chat with.

    >>> vocab = {byte: bytes([byte]) for byte in range(256)}
    >>> settings = tokenizer_settings(BPETokenizer(vocab, [], ["<|endoftext|>"]), 64)
    >>> settings["eos_token"], "chat_template" in settings
    ('<|endoftext|>', False)
    """
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # take tokenizer.json as it is
        "model_max_length": context_length,
        "clean_up_tokenization_spaces": False,  # decoding gives back every space
    }
    specials = tokenizer.special_tokens
    if set(CHAT_SPECIAL_TOKENS) <= set(specials):
        tokens = ", ".join(repr(name) for name in specials)
        settings |= {"eos_token": "<|end|>", "pad_token": "<|endoftext|>"}
        settings["chat_template"] = CHAT_TEMPLATE.replace("CONTROL_TOKENS", tokens)
    elif "<|endoftext|>" in specials:
        settings["eos_token"] = "<|endoftext|>"
    return settings


def generation_settings(tokenizer: BPETokenizer | None) -> dict[str, Any]:
    """The content of a generation_config.json: where a text begins and ends, if that is known.

    >>> vocab = {byte: bytes([byte]) for byte in range(256)}
    >>> generation_settings(BPETokenizer(vocab, [], ["<|endoftext|>"]))
    {'bos_token_id': 256, 'eos_token_id': [256], 'pad_token_id': 256}
    >>> generation_settings(None)
    {'bos_token_id': None, 'eos_token_id': None, 'pad_token_id': None}
    """
    specials = {} if tokenizer is None else tokenizer.special_tokens
    separator = specials.get("<|endoftext|>")
    ends = [specials[name] for name in ("<|endoftext|>", "<|end|>") if name in specials]
    return {"bos_token_id": separator, "eos_token_id": ends or None, "pad_token_id": separator}
