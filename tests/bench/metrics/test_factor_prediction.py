import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bench.metrics import MetricError, dci, explicitness, sap, sap_classifier

PREDICTORS = [sap_classifier, dci, explicitness]


def _factors(seed=0, count=600):
    generator = np.random.default_rng(seed)
    return np.column_stack([generator.integers(values, size=count) for values in (2, 3)])


def _mixed(seed=0):
    factors = _factors(seed)
    generator = np.random.default_rng(seed + 1)
    return factors @ generator.normal(size=(2, 3)) + 0.5 * generator.normal(size=(600, 3)), factors


def test_sap_agrees_with_numpy_s_correlation():
    codes, factors = _mixed()
    r = np.corrcoef(codes, factors, rowvar=False)[:3, 3:]
    squared = np.sort(r**2, axis=0)
    score = sap(torch.tensor(codes), torch.tensor(factors))
    assert score == pytest.approx((squared[-1] - squared[-2]).mean(), rel=1e-10)
    assert type(score) is float


def test_sap_of_aligned_rotated_constant_and_continuous_codes():
    factors = np.random.default_rng(0).normal(size=(600, 2))
    half_turn = np.array([[1.0, -1.0], [1.0, 1.0]])
    assert sap(factors * [-3.0, 0.01], factors) > 0.97
    assert sap(factors @ half_turn, factors) < 0.1
    assert sap(np.random.default_rng(1).normal(size=(600, 2)), factors) < 0.02
    assert sap(np.ones((600, 2)), factors) == 0.0
    assert sap(np.column_stack([factors, np.ones(600)]), factors) == sap(factors, factors)


def test_sap_classifier_agrees_with_scikit_learn():
    codes, factors = _mixed(1)
    score = sap_classifier(codes, factors, seed=3)
    train_z, test_z, train_y, test_y = train_test_split(
        codes, factors, test_size=1 / 3, random_state=3
    )
    accuracy = np.zeros((3, 2))
    for d in range(3):
        for f in range(2):
            classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=0)
            classifier.fit(train_z[:, [d]], train_y[:, f])
            accuracy[d, f] = classifier.score(test_z[:, [d]], test_y[:, f])
    ordered = np.sort(accuracy, axis=0)
    assert score == pytest.approx((ordered[-1] - ordered[-2]).mean(), abs=0.011)


def test_sap_classifier_sees_the_one_code_that_separates():
    factor = _factors()[:, 0]
    noise = np.random.default_rng(2).normal(size=600)
    centred = np.column_stack([10.0 * (factor - 0.5), noise])
    assert sap_classifier(centred, factor) > 0.4  # against a coin


def test_dci_of_aligned_rotated_and_noise_codes():
    factors = _factors()
    aligned = dci(factors.astype(float), factors)
    assert list(aligned) == ["disentanglement", "completeness", "informativeness"]
    assert all(type(score) is float for score in aligned.values())
    assert min(aligned.values()) > 0.97
    scaled = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    jitter = np.random.default_rng(0).normal(0, 0.2, (600, 2))
    rotated = dci((scaled + jitter) @ np.array([[1.0, -1.0], [1.0, 1.0]]), factors)
    assert rotated["disentanglement"] < 0.3
    assert rotated["completeness"] < 0.3
    assert rotated["informativeness"] > 0.9
    noise = dci(np.random.default_rng(1).normal(size=(600, 3)), factors)
    assert noise["disentanglement"] < 0.1
    assert noise["informativeness"] < 0.6


def test_dci_agrees_with_the_definition_on_scikit_learn_s_importances():
    codes, factors = _mixed(2)
    train_z, _, train_y, _ = train_test_split(codes, factors, test_size=1 / 3, random_state=5)
    importance = np.column_stack(
        [
            GradientBoostingClassifier(random_state=5).fit(train_z, y).feature_importances_
            for y in train_y.T
        ]
    )
    share = importance / importance.sum()
    scores = dci(codes, factors, seed=5)
    disentanglement = ((1 - entropy(importance.T, base=2)) * share.sum(axis=1)).sum()
    completeness = ((1 - entropy(importance, base=3)) * share.sum(axis=0)).sum()
    assert scores["disentanglement"] == pytest.approx(disentanglement, rel=1e-9)
    assert scores["completeness"] == pytest.approx(completeness, rel=1e-9)


def test_dci_of_constant_codes_is_zero_with_the_commonest_value_predicted():
    factors = _factors()
    scores = dci(np.ones((600, 2)), factors)
    assert scores["disentanglement"] == scores["completeness"] == 0.0
    assert scores["informativeness"] == pytest.approx((1 / 2 + 1 / 3) / 2, abs=0.08)


def test_a_factor_spread_over_two_codes_is_incomplete_but_disentangled():
    factors = _factors()
    jitter = np.random.default_rng(3).normal(0, 0.5, (600, 4))
    twice = dci(4 * np.hstack([factors, factors]) / 3 + jitter, factors)
    assert twice["disentanglement"] > 0.8
    assert twice["completeness"] < 0.7


def test_explicitness_agrees_with_scikit_learn():
    codes, factors = _mixed(3)
    areas = []
    for factor in factors.T:
        train_z, test_z, train_y, test_y = train_test_split(
            codes, factor, test_size=1 / 3, random_state=1, stratify=factor
        )
        scaler = StandardScaler().fit(train_z)
        model = LogisticRegression(max_iter=1000).fit(scaler.transform(train_z), train_y)
        probability = model.predict_proba(scaler.transform(test_z))
        if probability.shape[1] == 2:
            areas.append(roc_auc_score(test_y, probability[:, 1]))
        else:
            areas.append(roc_auc_score(test_y, probability, multi_class="ovr"))
    score = explicitness(codes, factors, seed=1)
    assert score == pytest.approx(np.mean(areas), rel=1e-12)
    assert type(score) is float


def test_explicitness_of_perfect_codes_noise_and_constants():
    factors = _factors()
    assert explicitness(np.column_stack([factors, factors == 1]), factors) == 1.0
    noise = np.random.default_rng(4).normal(size=(600, 2))
    assert explicitness(noise, factors) == pytest.approx(0.5, abs=0.08)
    assert explicitness(np.ones((600, 2)), factors) == 0.5


def test_explicitness_needs_each_value_in_both_parts():
    rare = np.zeros((30, 1), dtype=int)
    rare[:2] = 1
    message = "a value of factor 0 occurs 2 times; 3 are needed to train and test"
    with pytest.raises(MetricError, match=message):
        explicitness(np.arange(30.0)[:, np.newaxis], rare)
    rare[2] = 1
    assert 0.0 <= explicitness(np.arange(30.0)[:, np.newaxis], rare) <= 1.0


@pytest.mark.parametrize("metric", PREDICTORS)
def test_a_seed_gives_the_same_value_and_another_seed_nearly(metric):
    codes, factors = _mixed(4)

    def flat(seed):
        value = metric(codes, factors, seed=seed)
        return list(value.values()) if isinstance(value, dict) else [value]

    assert flat(0) == flat(0)
    assert flat(1) == pytest.approx(flat(0), abs=0.1)


@pytest.mark.parametrize("metric", [sap, *PREDICTORS])
@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.eye(6), np.ones((6, 2)), r"factor 0 has one value only \(1\); two are needed"),
        (np.eye(6), np.ones((5, 2)), "codes has 6 points and factors has 5"),
        (np.full((6, 2), np.inf), np.ones((6, 2)), "codes holds NaN or infinite"),
        (np.eye(6), np.array([["a", "b"]] * 6), "factors has dtype <U1"),
    ],
)
def test_bad_input_is_named(metric, codes, factors, message):
    with pytest.raises(MetricError, match=message):
        metric(codes, factors)


@pytest.mark.parametrize("metric", [sap, sap_classifier, dci])
def test_one_code_has_no_second_best(metric):
    with pytest.raises(MetricError, match=r"codes has 1 column, shape \(600, 1\); 2 are needed"):
        metric(np.arange(600.0)[:, np.newaxis], _factors())


def test_dci_needs_two_factors():
    with pytest.raises(MetricError, match="factors has 1 column"):
        dci(np.eye(6), [0, 1] * 3)


@pytest.mark.parametrize("metric", [sap_classifier, dci])
def test_a_factor_with_one_training_value_is_refused(metric):
    factors = np.zeros((60, 2), dtype=int)
    factors[::2, 0] = 1
    _, test_rows = train_test_split(np.arange(60), test_size=1 / 3, random_state=0)
    factors[test_rows[0], 1] = 1
    message = "factor 1 has one value only in the training part"
    with pytest.raises(MetricError, match=message):
        metric(np.random.default_rng(0).normal(size=(60, 2)), factors)
