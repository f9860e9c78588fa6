"""A tiny Whisper that is taught two words in seconds: a low tone is "go left", a high one is "stop"."""

from __future__ import annotations

import json

import numpy as np

RATE = 16_000
SECONDS = 2  # that it hears at once
SAID = {300: " go left", 1200: " stop"}
STEPS = 120
LANGUAGES = ("en", "zh")


def tone(hertz, seconds=1.0, rate=RATE):
    """Return a tone, float32."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def save_taught_whisper(folder, *, multilingual=True):
    """Teach and save the model with everything that a Whisper of the hub comes with."""
    import torch
    from transformers import WhisperFeatureExtractor

    tokenizer = _tokenizer(folder)
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|transcribe|>", "<|0.00|>", "<|1.00|>"]
    end, start, english, chinese, write, zero, one = tokenizer.convert_tokens_to_ids(names)
    extractor = WhisperFeatureExtractor(feature_size=16, chunk_length=SECONDS)
    model = _model(len(tokenizer), end, start)
    model.generation_config = _generation(tokenizer, end, start, multilingual=multilingual)
    rows = []
    for language in (english, chinese) if multilingual else (None,):
        before = [start, language, write] if language is not None else [start]
        rows += [
            [*before, zero, *tokenizer(text, add_special_tokens=False).input_ids, one, end] for text in SAID.values()
        ]
    sounds = [tone(hertz) for hertz in SAID] * (len(rows) // len(SAID))
    heard = extractor(sounds, sampling_rate=RATE, return_tensors="pt").input_features
    longest = max(map(len, rows))
    given = torch.tensor([row[:-1] + [end] * (longest - len(row)) for row in rows])
    wanted = torch.tensor([row[1:] + [-100] * (longest - len(row)) for row in rows])
    optimiser = torch.optim.AdamW(model.parameters(), 4e-3)
    for _ in range(STEPS):
        loss = model(input_features=heard, decoder_input_ids=given, labels=wanted).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2, "the model has not learned its two words"
    for part in (tokenizer, extractor, model):
        part.save_pretrained(folder)


def _tokenizer(folder):
    """Return one of bytes, with the marks of Whisper's own."""
    from transformers import WhisperTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    words = {letter: number for number, letter in enumerate(sorted(bytes_to_unicode().values()))}
    marks = ["startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm", "startofprev", "nospeech"]
    marks += ["notimestamps", *(f"{step * 0.02:.2f}" for step in range(SECONDS * 50 + 1))]
    words |= {f"<|{mark}|>": len(words) + number for number, mark in enumerate(["endoftext", *marks])}
    (folder / "vocab.json").write_text(json.dumps(words), "utf-8")
    named = [f"<|{mark}|>" for mark in marks[: marks.index("notimestamps") + 1]]
    return WhisperTokenizer(vocab=words, merges=[], additional_special_tokens=named)


def _model(words, end, start):
    """Return it untaught."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    sizes = {"d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_mel_bins": 16, "vocab_size": words}
    ids = {"pad_token_id": end, "bos_token_id": end, "eos_token_id": end, "decoder_start_token_id": start}
    config = WhisperConfig(**layers, **sizes, **ids, max_source_positions=SECONDS * 50, max_target_positions=32)
    return WhisperForConditionalGeneration(config)


def _generation(tokenizer, end, start, *, multilingual):
    """Return how it writes, as the models of the hub say it."""
    from transformers import GenerationConfig

    number = tokenizer.convert_tokens_to_ids
    own = {
        "lang_to_id": {f"<|{code}|>": number(f"<|{code}|>") for code in LANGUAGES},
        "task_to_id": {task: number(f"<|{task}|>") for task in ("transcribe", "translate")},
    }
    return GenerationConfig(
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        bos_token_id=end,
        is_multilingual=multilingual,
        no_timestamps_token_id=number("<|notimestamps|>"),
        prev_sot_token_id=number("<|startofprev|>"),
        max_initial_timestamp_index=1,
        max_length=32,
        **(own if multilingual else {}),
    )
