"""AMSBound, as its authors bounded its regret: the statement of Theorem 4, and as false.

Luo, Xiong, Liu and Sun (2019), Theorem 5.
"""

from simlab.bounds.luo2019_theorem_4 import luo2019_theorem_4, terms
from simlab.history import History
from simlab.regret_bound import Terms, published, regret_bound


@regret_bound(rules=("amsbound",), ledger=published, needs=luo2019_theorem_4.needs, false=luo2019_theorem_4.false)
def luo2019_theorem_5(h: History) -> Terms:
    """The bound that was claimed for AMSBound: where eta_l rises, the weights fall although vhat does not.

        R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
               + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t)/etahat_{t,i}
               + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)

    Supposes what luo2019_theorem_4 does; amsbound_repaired is true under the same hypotheses.

    Reference: Luo, Xiong, Liu and Sun 2019, Theorem 5.
    """
    return terms(h)
