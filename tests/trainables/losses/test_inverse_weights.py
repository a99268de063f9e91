import pytest
import torch

from trainables.losses import LOSSES, cross_entropy_loss, dice_loss, inverse_weights


def test_by_hand() -> None:
    # 24 voxels, two lesions: masses 24 / 3 = 8 each, so 8/2 and 8/1; the background's 8/21 is lifted to 1.
    components = torch.zeros(1, 24, dtype=torch.int32)
    components[0, 3:5], components[0, 9] = 4, 7
    weights = inverse_weights(components)
    assert weights.dtype == torch.float32
    assert weights[0, 3:5].tolist() == [4, 4]
    assert weights[0, 9] == 8
    assert weights.sum().item() == 8 + 8 + 21


def test_a_large_lesion_is_not_weighed_down() -> None:
    components = torch.ones(1, 4, 4, dtype=torch.int64)
    components[0, 0, 0] = 0
    assert inverse_weights(components)[0].tolist()[0][:2] == [8, 1]  # 16 / 2 for the one background voxel; 16/30 → 1


def test_a_patch_without_background_keeps_its_lesions() -> None:
    # Two lesions of 9 and 1 voxels and no background: 10 / 3 / 9 → 1, and 10 / 3.
    components = torch.tensor([[5] * 9 + [2]])
    assert inverse_weights(components)[0].tolist() == pytest.approx([1] * 9 + [10 / 3])


def test_each_sample_by_itself_and_none_without_lesions() -> None:
    components = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1]])
    assert inverse_weights(components).tolist() == [[1, 1, 1, 1], [1, 1, 1, 2]]


def test_the_upper_limit() -> None:
    components = torch.zeros(1, 128, 128, 64, dtype=torch.int16)
    components[0, 0, 0, :3] = torch.tensor([1, 2, 2])
    weights = inverse_weights(components)
    assert weights[0, 0, 0, 0] == 2e5  # 2^20 / 3 is more
    assert weights[0, 0, 0, 1].item() == pytest.approx(2**20 / 6)
    assert inverse_weights(components, at_most=10.0).max() == 10


def test_bad_components_are_refused() -> None:
    with pytest.raises(ValueError, match=r"integers, found torch\.float32"):
        inverse_weights(torch.zeros(1, 4))
    with pytest.raises(ValueError, match="found -1"):
        inverse_weights(torch.tensor([[0, -1]]))
    with pytest.raises(ValueError, match="at_most"):
        inverse_weights(torch.tensor([[0, 1]]), at_most=0.5)


def test_weighted_cross_entropy_is_the_mean_of_weight_times_cost() -> None:
    logits = torch.randn(2, 2, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    components = torch.tensor([[0] * 9 + [1, 2, 2], [0] * 12])
    target = (components > 0).long()
    weights = inverse_weights(components)
    assert weights[0].tolist() == [1] * 9 + [4, 2, 2]
    p = torch.softmax(logits, 1).gather(1, target[:, None])[:, 0]
    expected = -(weights * p.log()).mean().item()
    assert cross_entropy_loss(logits, target, weight=weights).item() == pytest.approx(expected, rel=1e-12)


def test_sums_of_overlap_weigh_as_if_voxels_were_repeated() -> None:
    logits = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target, weight = torch.tensor([[0, 1, 1, 0]]), torch.tensor([[1, 3, 2, 1]])
    repeated = logits.repeat_interleave(weight[0], 2), target.repeat_interleave(weight[0], 1)
    assert dice_loss(logits, target, weight=weight.float()).item() == pytest.approx(dice_loss(*repeated).item())


@pytest.mark.parametrize("name", LOSSES)
def test_a_patch_without_lesions_costs_what_it_costs_without_weights(name: str) -> None:
    logits, target = torch.randn(2, 2, 6, 5, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 6, 5).long()
    weight = inverse_weights(target)  # no lesion: nothing to weigh
    weighted = LOSSES[name](logits, target, weight=weight).item()
    assert weighted == pytest.approx(LOSSES[name](logits, target).item(), rel=1e-6)
