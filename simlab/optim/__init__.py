"""The rules of `simlab.rules` as optimizers for torch.

    state_t, m_t, eta_t = rule(t, lr, g_t, state_{t-1});   x_{t+1} = Pi( x_t - s(t) eta_t m_t )

One step is the proposal of an online round (`simlab.protocol.proposer`), so it has the bits of `simlab.run` on the
torch backend; no formula is written here. Every optimizer has two forms:

    form="released"  the form that software has: bias correction and epsilon where the rule knows them, s(t) = 1
    form="paper"     the form that is analysed: none of them, s(t) = 1/sqrt(t) (AdaGrad: 1)

A gradient is first negated (`maximize`), then weight decay acts: g + weight_decay x, or, decoupled, x is first
multiplied by 1 - lr weight_decay as AdamW does. `box=(lower, upper)` projects every coordinate into [lower, upper].

AdaBound's corridor closes on final_lr lr/initial_lr, so that a scheduler moves both ends with lr, as the authors'
package does. `initial_lr` is an entry of the parameter group (torch's schedulers use it; OneCycleLR sets it anew), so
it is saved, copied and loaded with the group. At lr = 0 nothing moves. A group made with lr = 0 has nothing to
compare later rates with: final_lr then counts unscaled, until `initial_lr` is set.

Numbers are torch's own: a float beta stands for itself, and 1 - beta is a float subtraction. State is kept in float32
for parameters of 16 and 32 bits, and in float64 for float64 ones and where a rule divides by a root with no epsilon
beside it (a float32 square underflows below 1e-23, and the step would be infinite). Subnormal state is set to 0, as in
every run. Complex parameters are pairs of reals, and so is their state.

A step is defined by single operations of torch. It is taken by machine code made from the same source, in one pass over
memory and with the same bits: on a CPU on as many threads as torch has (simlab.optim.fused), on a GPU by a kernel of
Triton's, if that is installed (simlab.optim.launched). `fused=None` uses it where it fits (parameters that lie in one
piece), `fused=False` never, and `fused=True` refuses devices that have none. `foreach`
changes nothing. `capturable` is refused, since the round number is kept on the host; so are sparse gradients, and
gradients that are not finite. Looking at them is another reading of memory: check_finite=False leaves it out, and then
a nan spreads as it does in torch.
"""

from __future__ import annotations

from typing import Any

from simlab.optim.core import Rates, Refused, RuleOptimizer, spelled_out

import torch  # isort: skip  # after the backend, which says what to install where it is missing

__all__ = [
    "SGDM",
    "AMSBound",
    "AMSGrad",
    "AdaBound",
    "AdaBoundW",
    "AdaGrad",
    "Adam",
    "RMSProp",
    "Rates",
    "Refused",
    "RuleOptimizer",
]


class SGDM(RuleOptimizer):
    """Heavy-ball momentum, simlab.rules.momentum: m_t = momentum m_{t-1} + (1 - dampening) g_t.

    torch.optim.SGD with the same momentum is the same where dampening = 0; otherwise it sets m_1 = g_1, undampened.
    """

    kind = "momentum"

    @spelled_out
    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        momentum: float = 0.9,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        own = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, own, **options)


class AdaGrad(RuleOptimizer):
    """simlab.rules.adagrad; torch.optim.Adagrad with eps = 0 is the same (there eps is added to sqrt(s))."""

    kind = "adagrad"

    @spelled_out
    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-2,
        weight_decay: float = 0.0,
        eps: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "eps": eps}, **options)


class RMSProp(RuleOptimizer):
    """simlab.rules.rmsprop, `alpha` being beta2; torch.optim.RMSprop with eps = 0 is the same.

    torch adds its eps to sqrt(v), with no bias correction beside it; Adam with betas = (0, alpha) has both.
    """

    kind = "rmsprop"

    @spelled_out
    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float | None = None,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}, **options)


class Adam(RuleOptimizer):
    """simlab.rules.adam (eps = 1e-8 unless set), as torch.optim.Adam; in its paper form adam_analysed.

    With decoupled_weight_decay=True it is torch.optim.AdamW. amsgrad=True is refused: see AMSGrad.
    """

    kind = "adam"

    @spelled_out
    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float | None = None,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        if amsgrad and self.kind != "amsgrad":
            raise Refused(
                "amsgrad=True in torch is AMSGrad with bias correction; simlab.optim.AMSGrad is the paper's algorithm"
            )
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}, **options)


class AMSGrad(Adam):
    """simlab.rules.amsgrad: Algorithm 2 of Reddi et al., which has neither bias correction nor epsilon.

    torch.optim.Adam(amsgrad=True) is another algorithm: it corrects the bias of m and of the largest v.
    """

    kind = "amsgrad"


class AdaBound(RuleOptimizer):
    """simlab.rules.adabound_released, in its paper form adabound; with amsbound=True as AMSBound.

    final_lr is alpha_star, at lr = initial_lr. gamma > 0 may be 1 and more; None is the rule's own, 1/1000 as released
    and 1 - beta2 in the paper. eps is 1e-8 as released unless set; the paper has none.
    """

    kind = "adabound"

    @spelled_out
    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float | None = None,
        eps: float | None = None,
        weight_decay: float = 0.0,
        amsbound: bool = False,
        **options: Any,
    ) -> None:
        own = {"lr": lr, "betas": betas, "final_lr": final_lr, "gamma": gamma, "eps": eps, "amsbound": amsbound}
        super().__init__(params, {**own, "weight_decay": weight_decay}, **options)

    def _kind(self, group: dict[str, Any]) -> str:
        return "amsbound" if group["amsbound"] else self.kind


class AMSBound(AdaBound):
    """simlab.rules.amsbound_released, in its paper form amsbound; options are AdaBound's."""

    kind = "amsbound"


class AdaBoundW(AdaBound):
    """AdaBound with decoupled weight decay: x is first multiplied by 1 - lr weight_decay, as AdamW does.

    The authors' class of this name subtracts weight_decay x, without lr.
    """

    decoupled = True
