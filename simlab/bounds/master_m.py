"""An inequality for every rule of the form x - rate * m, whatever its rate does.

R_T <= D_inf^2/2 sum_i PV_i + 1/2 sum_t sum_i eta_{t,i} m_{t,i}^2 + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1

PV_i = w_{1,i} + sum_{t>=2} max(0, w_{t,i} - w_{t-1,i}),   w = 1/eta
"""

import numpy as np

from simlab.history import History

RULES = ("sgd", "adam_analysed", "rmsprop", "amsgrad", "adabound", "amsbound", "adagrad")


def master_m(h: History) -> np.ndarray:
    """The positive-variation bound: it follows the weights w = 1/eta of the run and supposes nothing about v.

        R_T <= D_inf^2/2 sum_i PV_i + 1/2 sum_t sum_i eta_{t,i} m_{t,i}^2 + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
        PV_i = w_{1,i} + sum_{t=2}^T max(0, w_{t,i} - w_{t-1,i})

    Supposes convex losses, |x_i - y_i| <= D_inf on F, and m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t. Linear in T
    where the rates keep rising and falling, as Adam's do.

    Reference: the telescoped proof of Reddi, Kale and Kumar 2018, Theorem 4, before any bracket is dropped.
    """
    w = np.where(np.isinf(h.rate), np.nan, 1 / h.rate)
    for column in w.T:  # before the first non-zero gradient the step is 0: the weight of the first real step stands in
        seen = column[~np.isnan(column)]
        column[np.isnan(column)] = seen[0] if len(seen) else 0.0
    rises = np.maximum(np.diff(w, axis=0, prepend=np.zeros((1, w.shape[1]))), 0)
    variation = np.cumsum(rises, axis=0).sum(axis=1)
    energy = np.cumsum(np.where(h.m == 0, 0.0, h.m**2 / np.where(w > 0, w, 1.0)).sum(axis=1))
    before = np.vstack([np.zeros((1, h.m.shape[1])), h.m[:-1]])
    lag = np.cumsum(h.beta1 * np.abs(h.g - before).sum(axis=1))
    return h.d_inf**2 / 2 * variation + energy / 2 + h.d_inf * lag
