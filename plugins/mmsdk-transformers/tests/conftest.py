"""Tiny models with random weights, made from configs and saved as their libraries save them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # hub_double, whisper_taught

from whisper_taught import save_taught_whisper

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


def made(tmp_path_factory, save, *arguments, words=False, **options):
    """Return the folder of a model that ``save`` writes."""
    seeded()
    folder = tmp_path_factory.mktemp(save.__name__)
    save(folder, *arguments, **options)
    if words:
        save_bert_tokenizer(folder, 16)
    return folder


TOWER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
CONVOLUTIONS = {"conv_dim": (8, 8, 8), "conv_kernel": (10, 8, 8), "conv_stride": (5, 8, 8)}  # 320 samples a frame
SPEECH = {**TOWER, **CONVOLUTIONS, "num_feat_extract_layers": 3, "num_conv_pos_embeddings": 16}
SPEECH["num_conv_pos_embedding_groups"] = 2


def save_dinov2(folder):
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    tower = {name: size for name, size in TOWER.items() if name != "intermediate_size"}
    Dinov2Model(Dinov2Config(**tower, image_size=28, patch_size=14)).save_pretrained(folder)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}}
    BitImageProcessorPil(**size).save_pretrained(folder)


def save_siglip2(folder, words):
    """Save one of any resolution: patches, a mask and shapes instead of a square."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    text = {**TOWER, "vocab_size": words, "max_position_embeddings": 16, "projection_size": 16}
    vision = {**TOWER, "num_patches": 16, "patch_size": 16}
    Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)).save_pretrained(folder)
    Siglip2ImageProcessorPil(patch_size=16, max_num_patches=16).save_pretrained(folder)


def save_whisper(folder):
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    sizes = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_mel_bins": 8, "vocab_size": 20}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3}
    config = WhisperConfig(**layers, **sizes, **ids, max_source_positions=100, max_target_positions=8)
    WhisperModel(config).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=8, chunk_length=2).save_pretrained(folder)


def save_wav2vec2(folder, **options):
    """Save as a recogniser does: without the vector that stands for hidden frames in training."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    config = Wav2Vec2Config(**SPEECH, vocab_size=12, mask_time_prob=0.0, mask_feature_prob=0.0, **options)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def save_hubert(folder):
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    HubertModel(HubertConfig(**SPEECH, feat_extract_norm="group")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def save_ast(folder):
    import warnings

    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    ASTModel(ASTConfig(**TOWER, max_length=100, num_mel_bins=32)).save_pretrained(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ASTFeatureExtractor(max_length=100, num_mel_bins=32).save_pretrained(folder)


def save_clap(folder, words, *, fused):
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    text = {**TOWER, "vocab_size": words, "max_position_embeddings": 18, "pad_token_id": 1, "projection_dim": 12}
    audio = {"spec_size": 64, "num_mel_bins": 16, "patch_size": 4, "patch_stride": [4, 4], "window_size": 4}
    audio |= {"depths": [1, 1], "num_attention_heads": [2, 2], "patch_embeds_hidden_size": 8, "hidden_size": 16}
    audio |= {"enable_fusion": fused, "projection_dim": 12, "num_hidden_layers": 2}
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=12)).save_pretrained(folder)
    sizes = {"feature_size": 16, "sampling_rate": 16000, "hop_length": 160, "max_length_s": 1, "fft_window_size": 512}
    ClapFeatureExtractor(**sizes, frequency_max=8000).save_pretrained(folder)


def save_videomae(folder):
    from transformers import VideoMAEConfig, VideoMAEImageProcessorPil, VideoMAEModel

    VideoMAEModel(VideoMAEConfig(**TOWER, image_size=32, patch_size=16, num_frames=4)).save_pretrained(folder)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    VideoMAEImageProcessorPil(**size).save_pretrained(folder)


def save_timesformer(folder):
    from transformers import TimesformerConfig, TimesformerModel, VideoMAEImageProcessorPil

    TimesformerModel(TimesformerConfig(**TOWER, image_size=32, patch_size=16, num_frames=4)).save_pretrained(folder)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    VideoMAEImageProcessorPil(**size).save_pretrained(folder)


def save_vivit(folder):
    from transformers import VivitConfig, VivitModel

    VivitModel(VivitConfig(**TOWER, image_size=32, tubelet_size=[2, 16, 16], num_frames=4)).save_pretrained(folder)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    processor = {"image_processor_type": "VivitImageProcessor", **size}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), "utf-8")


def save_xclip(folder, words):
    from transformers import CLIPImageProcessorPil, XCLIPConfig, XCLIPModel

    text = {**TOWER, "vocab_size": words, "max_position_embeddings": 16, "eos_token_id": 3, "bos_token_id": 2}
    mit = {"mit_hidden_size": 12, "mit_intermediate_size": 16, "mit_num_attention_heads": 2}
    vision = {**TOWER, **mit, "image_size": 32, "patch_size": 16, "num_frames": 4}
    config = XCLIPConfig(text_config=text, vision_config=vision, projection_dim=12, prompt_num_attention_heads=2)
    XCLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)


@pytest.fixture(scope="session")
def dinov2(tmp_path_factory):
    return made(tmp_path_factory, save_dinov2)


@pytest.fixture(scope="session")
def siglip2(tmp_path_factory):
    return made(tmp_path_factory, save_siglip2, len(WORDS), words=True)


@pytest.fixture(scope="session")
def whisper(tmp_path_factory):
    """Return a Whisper that hears 2 seconds."""
    return made(tmp_path_factory, save_whisper)


@pytest.fixture(scope="session")
def wav2vec2(tmp_path_factory):
    """Return a wav2vec 2.0 as the base model: its norm looks at the whole row, padding too."""
    return made(tmp_path_factory, save_wav2vec2, feat_extract_norm="group")


@pytest.fixture(scope="session")
def wav2vec2_large(tmp_path_factory):
    """Return a wav2vec 2.0 as the large ones: it takes a mask."""
    return made(tmp_path_factory, save_wav2vec2, feat_extract_norm="layer", do_stable_layer_norm=True)


@pytest.fixture(scope="session")
def hubert(tmp_path_factory):
    return made(tmp_path_factory, save_hubert)


@pytest.fixture(scope="session")
def ast(tmp_path_factory):
    """Return an AST that hears one second."""
    return made(tmp_path_factory, save_ast)


@pytest.fixture(scope="session")
def clap(tmp_path_factory):
    """Return a CLAP that hears one second, whose space has 12 dimensions."""
    return made(tmp_path_factory, save_clap, len(WORDS), fused=False, words=True)


@pytest.fixture(scope="session")
def clap_fused(tmp_path_factory):
    return made(tmp_path_factory, save_clap, len(WORDS), fused=True, words=True)


@pytest.fixture(scope="session")
def videomae(tmp_path_factory):
    """Return a VideoMAE of 4 frames."""
    return made(tmp_path_factory, save_videomae)


@pytest.fixture(scope="session")
def xclip(tmp_path_factory):
    return made(tmp_path_factory, save_xclip, len(WORDS), words=True)


@pytest.fixture(scope="session")
def timesformer(tmp_path_factory):
    return made(tmp_path_factory, save_timesformer)


@pytest.fixture(scope="session")
def vivit(tmp_path_factory):
    return made(tmp_path_factory, save_vivit)


@pytest.fixture(scope="session")
def taught(tmp_path_factory):
    """Return a Whisper that writes down two words."""
    return made(tmp_path_factory, save_taught_whisper)


@pytest.fixture(scope="session")
def english(tmp_path_factory):
    """Return one that knows of no other language."""
    return made(tmp_path_factory, save_taught_whisper, multilingual=False)
