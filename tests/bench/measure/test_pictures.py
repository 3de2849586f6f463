"""Arrays of ``samples.npz``: shapes that a report relies on, and what they show."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from bench.measure.forward import ask
from bench.measure.pictures import draw_pictures, ranked_images, shown_images
from bench.measure.reference import Reference
from bench.metrics import precision_recall_density_coverage
from bench.plan import MetricsSpec
from vae_core import Dataset, Member, StackedAutoencoders, Structure


def pictures_of(model, k, reference):
    answers = ask(model, reference.dataset, prior_samples=70, backend="reference")
    return draw_pictures(model.member(k), answers.member(k), reference), answers.member(k)


@pytest.fixture(scope="module")
def vae(trained, reference):
    return pictures_of(trained, 1, reference)


def as_levels(images):
    """Pixels in [0, 1] as 8-bit levels ``[N, H, W]``."""
    return np.rint(images.clamp(0, 1).squeeze(1).numpy() * 255).astype(np.uint8)


def assert_equal_levels(found, expected):
    """Equal up to the rounding of a value that lies between two levels."""
    assert np.abs(found.astype(int) - expected).max() <= 1


SHAPES = {
    "originals": (16, 8, 8),
    "original_labels": (16,),
    "reconstructions": (16, 8, 8),
    "prior_samples": (64, 8, 8),
    "interpolations": (4, 9, 8, 8),
    "interpolation_labels": (4, 2),
    "codes": (40, 3),
    "code_labels": (40,),
    "mean_variance": (3,),
    "ranked_originals": (12, 8, 8),
    "ranked_reconstructions": (12, 8, 8),
    "ranked_mse": (12,),
    "traversals": (3, 7, 8, 8),
    "traversal_dimensions": (3,),
    "traversal_values": (3, 7),
}


def test_a_vae_has_every_array_in_its_shape(vae):
    pictures, _ = vae
    shapes = {name: array.shape for name, array in pictures.items()}
    assert shapes == SHAPES | {"rate_per_dimension": (3,)}


def test_an_autoencoder_has_no_rate(trained, reference):
    pictures, _ = pictures_of(trained, 0, reference)
    assert {name: array.shape for name, array in pictures.items()} == SHAPES


def test_images_are_bytes_and_codes_are_floats(vae):
    pictures, _ = vae
    for name in ("originals", "reconstructions", "prior_samples", "interpolations"):
        assert pictures[name].dtype == np.uint8
    assert pictures["codes"].dtype == np.float32


def test_originals_and_reconstructions_belong_together(vae, trained, small):
    pictures, _ = vae
    shown, _ = shown_images(small.test_labels.numpy())
    x = small.pixels(small.test_images[shown])
    np.testing.assert_array_equal(pictures["originals"], as_levels(x))
    np.testing.assert_array_equal(pictures["original_labels"], small.test_labels[shown])
    with torch.no_grad():
        assert_equal_levels(pictures["reconstructions"], as_levels(trained.member(1)(x)))


def test_prior_samples_are_those_of_the_runs_seed(vae, trained):
    pictures, _ = vae
    with torch.no_grad():
        samples = trained.member(1).sample(70, seed=trained.members[1].seed)
    assert_equal_levels(pictures["prior_samples"], as_levels(samples[:64]))


def test_paths_lead_from_one_class_to_another(vae, trained, small):
    pictures, answers = vae
    _, pairs = shown_images(small.test_labels.numpy())
    labels = small.test_labels.numpy()[pairs]
    np.testing.assert_array_equal(pictures["interpolation_labels"], labels)
    assert (labels[:, 0] != labels[:, 1]).all()
    ends = torch.from_numpy(answers.test_mu[pairs])
    for place, z in ((0, ends[:, 0]), (4, ends.mean(1)), (8, ends[:, 1])):
        with torch.no_grad():
            decoded = trained.member(1).decode(z)
        assert_equal_levels(pictures["interpolations"][:, place], as_levels(decoded))


def test_codes_are_the_means_of_test_images_with_their_labels(vae, small):
    pictures, answers = vae
    np.testing.assert_array_equal(pictures["codes"], answers.test_mu)
    np.testing.assert_array_equal(pictures["code_labels"], small.test_labels)
    np.testing.assert_allclose(pictures["mean_variance"], answers.test_mu.var(0), rtol=1e-5)


def test_the_rate_of_each_dimension_is_its_divergence(vae):
    pictures, answers = vae
    mu, logvar = torch.from_numpy(answers.test_mu), torch.from_numpy(answers.test_logvar)
    posterior = Normal(mu, torch.exp(logvar / 2))
    expected = kl_divergence(posterior, Normal(torch.zeros(3), torch.ones(3))).mean(0)
    np.testing.assert_allclose(pictures["rate_per_dimension"], expected, rtol=1e-4)


def test_the_best_the_median_and_the_worst_reconstruction_are_kept(vae, trained, small):
    pictures, _ = vae
    x = small.pixels(small.test_images)
    with torch.no_grad():
        mse = (trained.member(1)(x) - x).square().flatten(1).mean(1).numpy()
    ordered = np.sort(mse)
    expected = np.concatenate([ordered[:4], ordered[18:22], ordered[-4:]])
    np.testing.assert_allclose(pictures["ranked_mse"], expected, rtol=1e-4)
    worst = as_levels(x[[int(mse.argmax())]])
    np.testing.assert_array_equal(pictures["ranked_originals"][-1:], worst)


def test_fewer_images_than_are_ranked_are_shown_once_each():
    assert ranked_images(np.array([3.0, 1.0, 2.0], np.float32)).tolist() == [1, 2, 0]


def test_walks_go_by_rate_and_change_one_dimension_alone(vae, trained, small):
    pictures, answers = vae
    dimensions, values = pictures["traversal_dimensions"], pictures["traversal_values"]
    np.testing.assert_array_equal(dimensions, np.argsort(-pictures["rate_per_dimension"]))
    np.testing.assert_allclose(values, np.tile(np.linspace(-2.5, 2.5, 7), (3, 1)), rtol=1e-6)
    shown, _ = shown_images(small.test_labels.numpy())
    z = torch.from_numpy(answers.test_mu[shown[:1]].copy())
    z[0, dimensions[1]] = 2.5
    with torch.no_grad():
        expected = as_levels(trained.member(1).decode(z))
    assert_equal_levels(pictures["traversals"][1, -1:], expected)


def test_walks_of_an_autoencoder_cover_its_own_codes(trained, reference):
    pictures, answers = pictures_of(trained, 0, reference)
    codes, dimensions = answers.test_mu, pictures["traversal_dimensions"]
    assert (np.diff(codes.var(0)[dimensions]) <= 0).all()
    ends = codes.mean(0)[dimensions] + 2.5 * codes.std(0)[dimensions]
    np.testing.assert_allclose(pictures["traversal_values"][:, -1], ends, rtol=1e-5)


def test_a_plane_of_latents_is_decoded_as_a_manifold(train, reference):
    model = train(latent_dim=2, epochs=3)
    pictures, _ = pictures_of(model, 1, reference)
    assert pictures["manifold"].shape == (15, 15, 8, 8)
    across, up = pictures["manifold_axes"]
    assert (np.diff(across) > 0).all()
    assert (np.diff(up) > 0).all()
    corners = torch.tensor([[across[0], up[-1]], [across[-1], up[0]]])  # top left, bottom right
    with torch.no_grad():
        expected = as_levels(model.member(1).decode(corners))
    assert_equal_levels(pictures["manifold"][[0, -1], [0, -1]], expected)


def test_gaps_of_the_plane_are_decoded_and_held_against_real_images(train, reference):
    model = train(latent_dim=2, epochs=3)
    pictures, answers = pictures_of(model, 1, reference)
    with torch.no_grad():
        decoded = model.member(1).decode(torch.from_numpy(pictures["gaps"]))
    assert_equal_levels(pictures["gap_images"], as_levels(decoded))
    inside = precision_recall_density_coverage(
        reference.test_pixels, decoded.flatten(1), k=reference.metrics.neighbors
    )
    assert pictures["gaps_in_manifold"].mean() == pytest.approx(inside["precision"])
    variances = np.exp(answers.test_logvar)
    covariances = pictures["code_covariances"]
    np.testing.assert_allclose(np.diagonal(covariances, axis1=1, axis2=2), variances, rtol=1e-5)
    assert (covariances[:, 0, 1] == 0).all()


def test_ellipses_of_a_full_posterior_have_its_covariance(small, reference):
    structure = Structure("mlp", (12,), small.image_shape, 2, "gaussian", "full")
    model = StackedAutoencoders(structure, [Member("vae", 0, 0.1, 1.0)])
    pictures, _ = pictures_of(model, 0, reference)
    with torch.no_grad():
        posterior = model.member(0).encode(small.pixels(small.test_images))
    expected = posterior.cholesky @ posterior.cholesky.mT
    np.testing.assert_allclose(pictures["code_covariances"], expected, rtol=1e-4, atol=1e-6)
    assert (np.abs(pictures["code_covariances"][:, 0, 1]) > 0).any()


def test_colour_comes_last():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (30, 3, 4, 5), generator=generator, dtype=torch.uint8)
    labels = torch.arange(30) % 10
    dataset = Dataset("colour", 255, images, labels, images, labels)
    model = StackedAutoencoders(
        Structure("linear", (), (3, 4, 5), 2, "gaussian"), [Member("ae", 0, None, 1.0)]
    )
    pictures, _ = pictures_of(model, 0, Reference(dataset, MetricsSpec()))
    shown, _ = shown_images(labels.numpy())
    assert pictures["manifold"].shape == (15, 15, 4, 5, 3)
    assert pictures["interpolations"].shape == (4, 9, 4, 5, 3)
    np.testing.assert_array_equal(pictures["originals"], images[shown].permute(0, 2, 3, 1))


def test_all_classes_are_shown_in_turn():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 7))
    shown, pairs = shown_images(labels)
    assert labels[shown].tolist() == [*range(10), *range(6)]
    assert len(set(shown)) == 16
    assert labels[pairs].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    np.testing.assert_array_equal(shown_images(labels)[0], shown)


@pytest.mark.parametrize(("count", "paths"), [(2, 1), (3, 1), (7, 3), (9, 4)])
def test_fewer_images_than_are_shown_are_walked_between_in_pairs(count, paths):
    shown, pairs = shown_images(np.arange(count) % 3)
    assert len(shown) == count
    assert pairs.tolist() == shown[: 2 * paths].reshape(paths, 2).tolist()
