"""Tiny models with random weights, made from configs and saved as their libraries save them."""

from __future__ import annotations

import json

import pytest

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "red",
    "lamp",
    "oak",
    "table",
    "for",
    "the",
    "desk",
    "chair",
]


def seeded():
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)


def save_bert_tokenizer(folder, length=32):
    from transformers import BertTokenizerFast

    vocabulary = folder / "words.txt"
    vocabulary.write_text("\n".join(WORDS), "utf-8")
    BertTokenizerFast(vocab=str(vocabulary), model_max_length=length).save_pretrained(folder)
    vocabulary.unlink()


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """Return a BERT of 2 layers, 16 wide, 32 positions."""
    from transformers import BertConfig, BertModel

    seeded()
    folder = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    save_bert_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def vit_config():
    from transformers import ViTConfig

    return ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        pooler_output_size=16,
    )


@pytest.fixture(scope="session")
def vit(tmp_path_factory, vit_config):
    """Return a ViT with a pooler."""
    from transformers import ViTModel

    seeded()
    return save_vit(tmp_path_factory.mktemp("vit"), ViTModel(vit_config))


@pytest.fixture(scope="session")
def vit_without_pooler(tmp_path_factory, vit_config):
    """Return a ViT as a classifier saves it: no pooler weights."""
    from transformers import ViTForImageClassification

    seeded()
    return save_vit(tmp_path_factory.mktemp("vit-classifier"), ViTForImageClassification(vit_config))


def save_vit(folder, model):
    from transformers import ViTImageProcessorPil

    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Return a CLIP whose space has 12 dimensions."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    seeded()
    folder = tmp_path_factory.mktemp("clip")
    tower = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    text = {**tower, "vocab_size": len(WORDS), "max_position_embeddings": 16, "eos_token_id": 3, "bos_token_id": 2}
    vision = {**tower, "image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    save_bert_tokenizer(folder, 16)
    return folder


@pytest.fixture(scope="session")
def siglip(tmp_path_factory):
    """Return a SigLIP, whose texts are padded to their full length."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    seeded()
    folder = tmp_path_factory.mktemp("siglip")
    tower = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    text = {**tower, "vocab_size": len(WORDS), "max_position_embeddings": 16, "projection_size": 16}
    vision = {**tower, "image_size": 32, "patch_size": 16}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    save_bert_tokenizer(folder, 16)
    return folder


@pytest.fixture(scope="session")
def remote(tmp_path_factory):
    """Return a model whose class comes as Python code beside the weights."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("remote")
    config = {
        "model_type": "mmsdk-test-remote",
        "hidden_size": 4,
        "auto_map": {"AutoConfig": "modeling_remote.RemoteConfig", "AutoModel": "modeling_remote.RemoteModel"},
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "modeling_remote.py").write_text(REMOTE, "utf-8")
    weights = {"table.weight": torch.arange(4.0 * len(WORDS)).reshape(-1, 4)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    save_bert_tokenizer(folder)
    return folder


REMOTE = f"""
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class RemoteConfig(PretrainedConfig):
    model_type = "mmsdk-test-remote"


class RemoteModel(PreTrainedModel):
    config_class = RemoteConfig

    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding({len(WORDS)}, 4)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        return BaseModelOutput(last_hidden_state=self.table(input_ids))
"""
