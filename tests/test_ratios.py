"""The ratios of 200 random equity curves, against vectorbt and empyrical; and that no lane depends on the others."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from backtester.results.ratios import BLOCKS, block_bounds, block_moments, quantiles, ratios, returns_of, waters

CURVES, DAYS = 200, 250
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical


def curves(seed=1):
    """Random walks of equity with fat tails, (CURVES, DAYS), quote."""
    returns = np.random.default_rng(seed).standard_t(4, (CURVES, DAYS - 1)) * 0.01 + 0.0003
    return 1e5 * np.cumprod(np.column_stack([np.ones(CURVES), 1.0 + returns]), 1)


@pytest.fixture(scope="module")
def equity():
    return curves()


@pytest.fixture(scope="module")
def ours(equity):
    return ratios(returns_of(equity), 365.0) | waters(equity, equity[:, 0], 1.0)


EMPYRICAL = {
    "volatility": lambda r: empyrical.annual_volatility(r, annualization=365),
    "sharpe": lambda r: empyrical.sharpe_ratio(r, annualization=365),
    "sortino": lambda r: empyrical.sortino_ratio(r, annualization=365),
    "omega": lambda r: empyrical.omega_ratio(r, annualization=1),
    "tail_ratio": empyrical.tail_ratio,
    "value_at_risk": lambda r: -empyrical.value_at_risk(r),
}


@pytest.mark.parametrize("name", EMPYRICAL)
def test_the_ratios_are_those_of_empyrical(ours, equity, name):
    theirs = [EMPYRICAL[name](returns) for returns in returns_of(equity)]
    np.testing.assert_allclose(ours[name], theirs, rtol=1e-9)


VECTORBT = {
    "volatility": lambda r: r.annualized_volatility(),
    "sharpe": lambda r: r.sharpe_ratio(),
    "sortino": lambda r: r.sortino_ratio(),
    "omega": lambda r: r.omega_ratio(),
}


@pytest.fixture(scope="module")
def theirs(equity):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import vectorbt  # noqa: F401 - gives frames their accessor

        frame = pd.DataFrame(returns_of(equity).T, index=pd.date_range("2024-01-02", periods=DAYS - 1, tz="UTC"))
        accessor = frame.vbt.returns(freq="1D", year_freq="365D")
        return {name: call(accessor).to_numpy() for name, call in VECTORBT.items()}


@pytest.mark.parametrize("name", VECTORBT)
def test_the_ratios_are_those_of_vectorbt(ours, theirs, name):
    np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9)


def test_skew_and_kurtosis_are_those_of_scipy(ours, equity):
    from scipy import stats

    returns = returns_of(equity)
    np.testing.assert_allclose(ours["skew"], stats.skew(returns, axis=1), rtol=1e-9)
    np.testing.assert_allclose(ours["kurtosis"], stats.kurtosis(returns, axis=1, fisher=False), rtol=1e-9)


def test_time_under_water_by_hand():
    equity = np.array([[100.0, 90, 95, 100, 120, 110, 100, 119, 121], [100, 101, 102, 103, 104, 105, 106, 107, 108]])
    found = waters(equity, np.array([100.0, 110.0]), 0.5)
    assert found["drawdown_days"].tolist() == [1.5, 4.5]
    assert found["under_water"].tolist() == [5 / 9, 1.0]


def test_a_ruined_lane_has_no_returns_afterwards_and_stands_still_in_its_blocks():
    equity = np.array([[100.0, 110.0, 0.0] + [0.0] * 30])
    returns = returns_of(equity)
    assert returns[0, :2].tolist() == pytest.approx([0.1, -1.0])
    assert np.isnan(returns[0, 2:]).all()
    found = ratios(returns, 365.0)
    assert found["samples"].tolist() == [2]
    assert found["sharpe"][0] == pytest.approx(-0.45 / np.std([0.1, -1.0], ddof=1) * math.sqrt(365))
    assert found["value_at_risk"][0] == pytest.approx(-(-1.0 + 0.05 * 1.1))
    assert block_moments(returns)[0, 1:].sum() == 0.0


def test_a_lane_that_never_moves_and_a_run_too_short_have_no_ratio():
    still = ratios(np.zeros((1, 10)), 365.0)
    assert {name for name, values in still.items() if np.isnan(values[0])} == {
        "sharpe", "sortino", "omega", "tail_ratio", "skew", "kurtosis",
    }
    nothing = ratios(np.zeros((1, 0)), 365.0)
    assert {name for name, values in nothing.items() if not np.isnan(values[0])} == {"samples"}


def test_blocks_hold_every_return_once():
    returns = np.random.default_rng(2).normal(0, 0.01, (3, 101))
    moments, bounds = block_moments(returns), block_bounds(101)
    assert moments.shape == (3, BLOCKS, 2)
    assert set(np.diff(bounds)) == {6, 7}
    np.testing.assert_allclose(moments[:, :, 0].sum(1), returns.sum(1))
    np.testing.assert_allclose(moments[1, 4], [returns[1, bounds[4] : bounds[5]].sum(), (returns[1, bounds[4] : bounds[5]] ** 2).sum()])


def test_no_lane_depends_on_the_others_to_the_last_bit(equity):
    many = ratios(returns_of(equity), 365.0) | waters(equity, equity[:, 0], 1.0) | {"blocks": block_moments(returns_of(equity))}
    for k in (0, 77, CURVES - 1):
        one = equity[k : k + 1]
        alone = ratios(returns_of(one), 365.0) | waters(one, one[:, 0], 1.0) | {"blocks": block_moments(returns_of(one))}
        assert [name for name in many if many[name][k].tobytes() != alone[name][0].tobytes()] == []


def test_quantiles_are_those_of_numpy():
    values = np.random.default_rng(3).normal(size=(5, 37))
    low, high = quantiles(values, np.full(5, 37), (0.05, 0.95))
    np.testing.assert_allclose(low, np.quantile(values, 0.05, axis=1), rtol=1e-12)
    np.testing.assert_allclose(high, np.quantile(values, 0.95, axis=1), rtol=1e-12)
