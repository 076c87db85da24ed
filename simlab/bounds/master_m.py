"""An inequality for every rule of the form x - m/w, whatever its weights do.

R_T <= D_inf^2/2 sum_i PV_i + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1

PV_i = w_{1,i} + sum_{t>=2} max(0, w_{t,i} - w_{t-1,i}),   w = 1/eta
"""

from simlab.history import History
from simlab.regret_bound import Terms, master, master_terms, regret_bound

RULES = (  # those whose direction is the moving average m_t, or g_t
    *("sgd", "adagrad", "rmsprop", "sc_adagrad", "adam", "adam_analysed", "adamax", "adabelief", "adamnc", "adamx"),
    *("amsgrad", "padam", "sadam", "adabound", "adabound_released", "amsbound", "amsbound_released"),
)


@regret_bound(rules=RULES, ledger=master, schedule=None)
def master_m(h: History) -> Terms:
    """The positive-variation bound: it follows the weights w = 1/eta of the run and supposes nothing about v.

        R_T <= D_inf^2/2 sum_i PV_i + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
        PV_i = w_{1,i} + sum_{t=2}^T max(0, w_{t,i} - w_{t-1,i})

    Supposes convex losses, |x_i - y_i| <= D_inf on F, and m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t. Linear in T
    where the rates keep rising and falling, as Adam's do.

    Reference: the telescoped proof of Reddi, Kale and Kumar 2018, Theorem 4, before any bracket is dropped.
    """
    return master_terms(h)
