"""The identities between losses and the numerical hazards that the papers' definitions list, each with its tests.

Each named test must exist, so that none of them is lost when tests are moved or renamed.
"""

import importlib

import pytest

LOSSES, MODELS = "tests.trainables.losses", "tests.trainables.models"

IDENTITIES: dict[str, tuple[str, ...]] = {
    "Wasserstein Dice of two classes is linear Dice": (
        f"{LOSSES}.test_wasserstein:test_wasserstein_of_two_classes_is_linear_dice",
    ),
    "Matthews summed over all classes is (K a - 1) / (K - 1)": (
        f"{LOSSES}.test_matthews:test_micro_matthews_is_soft_accuracy",
    ),
    "Sudre's DL2 is the Dice of all classes for two": (
        f"{LOSSES}.test_dice:test_mean_of_foreground_and_background_dice_is_dice_of_two_classes",
    ),
    "linear asymmetric similarity is Tversky(0.6923, 0.3077)": (
        f"{LOSSES}.test_asymmetric:test_linear_asymmetric_similarity_is_tversky",
    ),
    "Tversky(0.5, 0.5) is Dice": (
        f"{LOSSES}.test_tversky:test_tversky_at_one_half_is_linear_dice",
        f"{LOSSES}.test_tversky:test_tversky_with_equal_prices_is_foreground_dice",
    ),
    "focal with gamma 0 and alpha 1/2 is half of binary cross-entropy": (
        f"{LOSSES}.test_focal:test_focal_without_focus_and_with_half_is_half_of_binary_cross_entropy",
    ),
    "focal Tversky with exponent 1 is Tversky": (
        f"{LOSSES}.test_focal_tversky:test_focal_tversky_with_exponent_one_is_tversky",
    ),
    "inverse weighting with weights of 1 is the loss itself": (
        f"{LOSSES}.test_inverse_weights:test_a_patch_without_lesions_costs_what_it_costs_without_weights",
        f"{LOSSES}.test_conformance:test_the_registry_keeps_all",
    ),
    "the slope of log cosh is tanh": (f"{LOSSES}.test_log_cosh:test_slope_of_log_cosh_is_tanh",),
    "weighted Dice with equal weights is Dice": (
        f"{LOSSES}.test_weighted_dice:test_weighted_dice_with_equal_weights_is_dice_and_only_proportions_matter",
    ),
    "the stable form of Matthews is scikit-learn's on hard masks": (
        f"{LOSSES}.test_matthews:test_matthews_of_hard_masks_is_sklearns",
    ),
    "parameter counts": (
        f"{MODELS}.test_models:test_unet_has_ronnebergers_parameters",
        f"{MODELS}.test_models:test_unet_with_batch_norm_has_the_parameters_of_spec_4",
        f"{MODELS}.test_models:test_unet3d_has_miscnns_parameters",
        f"{MODELS}.test_models:test_the_same_in_2d_too",
        f"{MODELS}.test_models:test_vnet_has_monais_parameters",
        f"{MODELS}.test_models:test_segnet_has_vggs_parameters_and_their_mirror_image",
        f"{MODELS}.test_models:test_enet_has_the_parameters_of_its_public_code",
        f"{MODELS}.test_models:test_resunet3d_has_the_parameters_of_the_inverse_weighting_paper",
        f"{MODELS}.test_monai_networks:test_counts_at_the_defaults",
    ),
    "FROC of lesion records (benchmarks/lesions.py holds it against the printed numbers)": (
        "tests.reports.statistics.test_lesion_counts:test_froc_by_hand",
        "tests.reports.statistics.test_lesion_counts:test_the_papers_protocol_leaves_out_scans_without_records_and_divides_by_all",
    ),
    "permutation and batch split where claimed; gradients by finite differences; finite at the extremes": (
        f"{LOSSES}.test_conformance:test_the_registry_keeps_all",
        f"{LOSSES}.test_contract:test_gradient_is_that_of_the_value",
        f"{LOSSES}.test_contract:test_value_and_gradient_are_finite",
    ),
}

HAZARDS: dict[str, tuple[str, ...]] = {
    "1 sums overflow in float16 and are rounded in bfloat16": (
        f"{LOSSES}.parts.test_soft_counts:test_an_80_cube_is_counted_in_float32",
        f"{LOSSES}.test_conformance:test_it_finds",
    ),
    "2 sigmoid rounds to 1": (
        f"{LOSSES}.test_hazards:test_a_sigmoid_that_rounds_to_one_keeps_its_gradient",
        f"{LOSSES}.parts.test_voxels:test_log_odds_are_exact_where_one_minus_p_rounds_to_zero",
    ),
    "3 an empty reference": (
        f"{LOSSES}.test_hazards:test_an_empty_reference_is_a_plateau",
        f"{LOSSES}.test_weighted_dice:test_an_absent_class_adds_its_share",
    ),
    "4 focal Tversky at a perfect overlap, and its exponent 5": (
        f"{LOSSES}.test_focal_tversky:test_focal_tversky_at_a_perfect_overlap_has_no_infinite_slope",
        f"{LOSSES}.test_focal_tversky:test_focal_tversky_with_exponent_five_fades_near_the_goal",
    ),
    "5 Matthews of a constant": (
        f"{LOSSES}.test_matthews:test_matthews_of_a_constant_is_one_and_finite",
        f"{LOSSES}.test_matthews:test_matthews_keeps_its_value_for_one_voxel_in_a_large_patch",
    ),
    "6 generalised Dice: smoothing, absent classes, a single channel": (
        f"{LOSSES}.test_generalised_dice:test_generalised_dice_at_real_volumes_is_not_smoothed_away",
        f"{LOSSES}.test_generalised_dice:test_generalised_dice_gives_an_absent_class_the_largest_finite_weight",
        f"{LOSSES}.test_contract:test_a_single_channel_is_refused",
    ),
    "7 weights without bound": (
        f"{LOSSES}.test_weighted_cross_entropy:test_weighted_cross_entropy_grows_as_published",
        f"{LOSSES}.test_weighted_cross_entropy:test_weighted_cross_entropy_moves_its_weight_unless_it_is_detached",
        f"{LOSSES}.test_hazards:test_lesion_weights_of_2e5_stay_finite",
    ),
    "8 Wasserstein Dice in float64, in batches, without foreground": (
        f"{LOSSES}.test_wasserstein:test_wasserstein_stays_in_float32_and_its_batch_is_the_mean_of_its_samples",
        f"{LOSSES}.test_hazards:test_an_empty_reference_is_a_plateau",
    ),
    "9 log cosh near 0": (f"{LOSSES}.test_log_cosh:test_log_cosh_near_zero_and_far_away",),
    "10 batch normalisation of single patches": (
        f"{MODELS}.test_models:test_batch_normalisation_of_single_patches_can_be_evaluated",
        f"{MODELS}.test_models:test_the_order_in_a_stage_is_miscnns_or_nnunets",
        f"{MODELS}.test_models:test_running_momentum_ends_at_a_hundredth",
    ),
}


@pytest.mark.parametrize("said", [*IDENTITIES, *HAZARDS])
def test_what_the_papers_list_has_its_tests(said: str) -> None:
    for test in (IDENTITIES | HAZARDS)[said]:
        module, _, name = test.partition(":")
        assert name.startswith("test_")
        assert callable(getattr(importlib.import_module(module), name, None)), test
