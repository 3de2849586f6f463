"""Labels on a map are pushed apart, and no further than they must be."""

import numpy as np

from reports.figures.scatter import LEAST_LABEL_GAP, spread


def distances(points):
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return apart[np.triu_indices(len(points), 1)]


def test_labels_that_do_not_collide_stay():
    points = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    np.testing.assert_allclose(spread(points), points, atol=1e-5)


def test_labels_at_one_place_part():
    found = spread(np.zeros((10, 2)))
    assert distances(found).min() > 0.95 * LEAST_LABEL_GAP
    assert np.linalg.norm(found, axis=1).max() < 4 * LEAST_LABEL_GAP


def test_labels_leave_places_that_are_taken():
    taken = np.array([[0.0, 0.0]])
    found = spread(np.array([[0.01, 0.0], [0.4, 0.4]]), taken)
    assert np.linalg.norm(found[0]) > 0.95 * LEAST_LABEL_GAP
    np.testing.assert_allclose(found[1], [0.4, 0.4], atol=1e-5)
