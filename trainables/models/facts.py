"""Properties of each network that surprise users, beyond its docstring."""

TRAPS: dict[str, str] = {
    "unet": "Without normalisation it may never learn: one seed of two did not at any of three learning rates. "
    "`norm: batch` or `instance` did.",
    "unet3d": "`batch` is MIScnn's order, normalisation after ReLU, with running statistics learnt from small batches; "
    "`instance` needs none.",
    "vnet": "Half of the channels are dropped in every skip path: short trainings look worse than those of others. "
    "The number of image channels must divide `width`.",
    "segnet": "Five poolings: patches should be multiples of 32. Nothing but the places of maxima crosses from down to "
    "up, so small structures are drawn coarsely.",
    "enet": "A patch is an eighth of its size after the first blocks: lesions of a few pixels are gone.",
    "resunet3d": "Its last layer normalises the logits over the batch: in training a patch's output depends on the "
    "other patches. On a GPU repeated trainings differ in the last digits.",
    "dynunet": "nnU-Net adapts levels, kernels and patch to the data and trains with deep supervision; this is its "
    "network alone, at five levels.",
    "segresnet": "`upsample: interpolate` on a GPU: repeated trainings differ in the last digits.",
    "attention_unet": "Batch normalisation: with batches of 1 or 2 its running statistics are noisy.",
    "unetplusplus": "Its nested skip paths take about twice the memory of a U-Net of the same width.",
    "mednext": "Made for hundreds of thousands of iterations with AdamW; slow on a CPU (depthwise 3D convolutions).",
    "swin_unetr": "Every side of a patch is padded to a multiple of 32. Its published results come from pretrained "
    "weights or large data sets; here it starts from random ones.",
    "unetr": "Made for one patch size: a trained one takes no other. Without convolutions in its encoder it needs more "
    "cases than a U-Net to reach the same score.",
}
