"""Patch sizes that networks take: their dimensions, and what the sides must be divisible by."""

DIMS: dict[str, tuple[int, ...]] = {
    "unet": (2,),
    "unet3d": (3,),
    "vnet": (2, 3),
    "segnet": (2,),
    "enet": (2,),
    "resunet3d": (3,),
    "dynunet": (2, 3),
    "segresnet": (2, 3),
    "attention_unet": (2, 3),
    "unetplusplus": (2, 3),
    "mednext": (2, 3),
    "swin_unetr": (2, 3),
    "unetr": (2, 3),
}
"""Dimensions of the patches that a network takes."""

DIVISORS: dict[str, int] = {
    "unet": 16,
    "unet3d": 16,
    "vnet": 16,
    "segnet": 32,
    "enet": 8,
    "resunet3d": 8,
    "dynunet": 16,
    "segresnet": 8,
    "attention_unet": 16,
    "unetplusplus": 16,
    "mednext": 16,
    "swin_unetr": 32,
    "unetr": 16,
}
"""By how much a network shrinks its patch; at least one side must be longer."""
