"""A tiny policy from scratch: every byte is a token, and the weights are random."""

from pathlib import Path

TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('no such role: ' + m.role) }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CONTEXT = 256


def make_policy(folder, *, seed=0, family="llama", context=CONTEXT, template=TEMPLATE):
    """Write a random model with its tokenizer."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.decoders import ByteLevel as ByteDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    words = ["<eos>", *sorted(ByteLevel.alphabet())]
    inner = Tokenizer(BPE({word: place for place, word in enumerate(words)}, []))
    inner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    inner.decoder = ByteDecoder()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<eos>", pad_token="<eos>", model_max_length=context
    )
    tokenizer.chat_template = template
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    if family == "llama":
        sizes |= {"intermediate_size": 64, "num_key_value_heads": 2}
    config = AutoConfig.for_model(
        family,
        vocab_size=len(words),
        max_position_embeddings=context,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=0.4,  # so that answers vary
        **sizes,
    )
    torch.set_num_threads(1)  # two threads that wait for each other on a busy machine take ages
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)
