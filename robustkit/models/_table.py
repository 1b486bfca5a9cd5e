"""Makes architectures.csv: ``python -m robustkit.models._table``; networks are built without their weights."""

from __future__ import annotations

import csv
import fnmatch
import io
from dataclasses import astuple, fields
from pathlib import Path

from robustkit.atomic import write_text
from robustkit.models._ported import NAMES as PORTED
from robustkit.models._small import BUILDERS
from robustkit.models._torchvision import import_timm
from robustkit.models.architectures import Architecture
from robustkit.models.builders import row_of

# plain originals first: of several rows with one fingerprint the first is taken
TIMM = (
    "resnet18", "resnet26", "resnet34", "resnet50", "resnet101", "resnet152", "resnet10t", "resnet14t", "resnet18d",
    "resnet26d", "resnet34d", "resnet50d", "resnet101d", "resnetaa50", "resnetblur50", "wide_resnet50_2",
    "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x8d", "seresnet50", "seresnext50_32x4d", "ecaresnet50d",
    "skresnet50", "res2net50_26w_4s", "resnest50d", "resnetv2_50", "resnetv2_50x1_bit", "densenet121",
    "densenet161", "densenet169", "densenet201", "inception_v3", "inception_v4", "inception_resnet_v2", "xception",
    "xception41", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
    "efficientnet_b?", "tf_efficientnet_b?", "efficientnetv2_rw_s", "tf_efficientnetv2_s", "tf_efficientnetv2_m",
    "efficientnet_lite0", "mobilenetv2_050", "mobilenetv2_100", "mobilenetv2_140", "mobilenetv3_small_050",
    "mobilenetv3_small_075", "mobilenetv3_small_100", "mobilenetv3_large_100", "mobilenetv4_conv_small",
    "lcnet_035", "lcnet_050", "lcnet_075", "lcnet_100", "mnasnet_100", "mixnet_s", "ghostnet_100", "hardcorenas_a",
    "regnetx_002", "regnetx_008", "regnety_002", "regnety_008", "regnety_016", "repvgg_a2", "rexnet_100", "dla34",
    "dpn68", "hrnet_w18", "cspresnet50", "cspdarknet53", "darknet53", "selecsls42b", "tresnet_m", "gernet_s",
    "nfnet_f0", "convnext_atto", "convnext_nano", "convnext_tiny", "convnext_small", "convnext_base",
    "convnextv2_atto", "convnextv2_tiny", "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224",
    "vit_base_patch32_224", "vit_small_patch14_dinov2", "vit_base_patch14_dinov2", "deit_tiny_patch16_224",
    "deit_small_patch16_224", "deit3_small_patch16_224", "beit_base_patch16_224", "swin_tiny_patch4_window7_224",
    "swin_small_patch4_window7_224", "swin_base_patch4_window7_224", "swinv2_tiny_window8_256",
    "maxvit_tiny_tf_224", "maxxvit_rmlp_nano_rw_256", "coatnet_0_rw_224", "mixer_b16_224", "poolformer_s12",
    "pvt_v2_b0", "pvt_v2_b2", "edgenext_small", "mobilevit_s", "mobilevitv2_100", "fastvit_t8",
    "efficientformer_l1", "efficientvit_b0", "test_resnet", "test_vit", "test_efficientnet", "test_convnext",
    "resnet50_gn", "resnetrs50", "seresnet18", "seresnet34", "seresnet101", "ecaresnet101d", "resnext50d_32x4d",
    "legacy_seresnet50", "legacy_seresnext50_32x4d", "legacy_xception", "tf_mobilenetv3_large_100",
    "tf_mobilenetv3_small_100", "tf_efficientnet_lite0", "tf_mixnet_s", "efficientnet_es", "efficientnetv2_rw_t",
    "semnasnet_100", "deit_base_patch16_224", "deit3_base_patch16_224", "vit_small_patch32_224",
    "vit_large_patch16_224", "vit_small_patch16_384", "vit_base_patch16_384", "vit_base_patch16_clip_224",
    "eva02_tiny_patch14_224", "swin_large_patch4_window7_224", "swin_base_patch4_window12_384", "convnext_large",
    "convnextv2_nano", "convnextv2_base", "regnety_032", "regnety_040", "regnetx_032", "cspresnext50", "dla60",
    "dpn92", "hrnet_w32", "inception_next_tiny", "repghostnet_100", "tiny_vit_5m_224", "mobileone_s0",
    "nf_resnet50", "eca_nfnet_l0", "caformer_s18", "convformer_s18", "focalnet_tiny_srf", "maxvit_tiny_rw_224",
)  # fmt: skip
TORCHVISION = (
    "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg16_bn", "vgg19_bn", "squeezenet1_0",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1",
    "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_v2_s", "convnext_tiny", "convnext_small",
    "convnext_base", "shufflenet_v2_x1_0", "mnasnet1_0", "regnet_y_400mf", "vit_b_16", "swin_t",
)  # fmt: skip


def rows() -> list[Architecture]:
    """Give the row of every architecture that can be built here."""
    timm = import_timm()
    known = timm.list_models()
    names = [n for pattern in TIMM for n in fnmatch.filter(known, pattern)]
    names += [f"torchvision/{n}" for n in TORCHVISION] + [f"small/{n}" for n in BUILDERS]
    names += [f"keras/{n}" for n in PORTED]
    return [row_of(name) for name in dict.fromkeys(names)]


def main() -> None:
    """Write the table beside this file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(Architecture)])
    writer.writerows(astuple(row) for row in rows())
    write_text(Path(__file__).with_name("architectures.csv"), text.getvalue())


if __name__ == "__main__":
    main()
