"""What all optimizers of `simlab.optim` share: a step of a rule on torch's parameters, and what can be read of it."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from simlab import exact
from simlab.backends import torch as _backend
from simlab.backends._triton import unavailable
from simlab.errors import BadInput, nearest
from simlab.ops import Weight, rebind
from simlab.optim import coded, fused, launched
from simlab.optim.moves import TENSORS, Job, Kind, Numbers, clip_tensors, move, parted, rule, schedule
from simlab.protocol import bound_hyper

import torch  # isort: skip  # after the backend, which says what to install where it is missing


INSTEAD = {  # of a gradient that cannot be used
    "not on the CPU": "there fused=True means a kernel of Triton's ({}); leave it None",
    "sparse": "there is no sparse form (torch.optim.SparseAdam has one)",
    "not finite": "torch.amp.GradScaler skips such steps; check_finite=False takes them",
}
LARGE = 1 << 12  # coordinates: gradients up to here are sooner copied together than summed one at a time (measured)


class Refused(BadInput, ValueError):
    """An option, a gradient or a saved state that cannot be honoured; nothing was changed."""


class Rates(NamedTuple):
    """The learning rates of one parameter's coordinates, and how many of them the corridor clips.

    rate: s(t) eta_t, with the shape of the parameter (of its pairs of reals, if complex); before a division by
        1 - beta1^t that a rule makes in its direction (Adam's). inf where no gradient has been seen and no epsilon is.
    lower, upper: the ends of the corridor times s(t); 0 and inf where the rule does not clip.
    below, above: the shares in [0, 1] of coordinates that are clipped up to `lower` and down to `upper`.
    """

    rate: torch.Tensor
    lower: float
    upper: float
    below: float
    above: float


def _real(x: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


def _written_out(g: torch.Tensor) -> torch.Tensor:
    """A gradient as reals that stand for themselves: torch may have left conjugation or a sign for later."""
    return (torch.view_as_real(g.resolve_conj()) if g.is_complex() else g).resolve_neg()


def _sum(g: torch.Tensor) -> torch.Tensor:
    return g.sum(dtype=torch.float32 if g.itemsize < 4 else g.dtype)


def _finite(g: torch.Tensor) -> bool:
    """Whether all are finite: a sum is, only if each term is, and of the largest and least nan is both."""
    return math.isfinite(float(_sum(g))) or all(math.isfinite(float(end)) for end in g.aminmax())


@torch.no_grad()
def _not_finite(gradients: list[torch.Tensor]) -> int | None:
    """Which is the first that is not finite."""
    if {*map(type, gradients)} <= coded.PLAIN and _sums_are_finite(gradients):
        return None
    return next((k for k, g in enumerate(gradients) if not _finite(g)), None)


def _sums_are_finite(gradients: list[torch.Tensor]) -> bool:
    """True only if all are finite, at a look for all of a type; small ones are copied together and summed at once."""
    alike: dict[tuple[torch.dtype, torch.device, bool], list[torch.Tensor]] = defaultdict(list)
    for g in gradients:
        alike[g.dtype, g.device, g.numel() > LARGE].append(g)
    for (*_, large), those in alike.items():
        total = torch.stack([*map(_sum, those)]).sum() if large else _sum(torch._C._nn.flatten_dense_tensors(those))
        if not math.isfinite(float(total)):
            return False
    return True


def _letters(group: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """(torch's name, value in this group) of each letter that a rule may use."""
    if "betas" in group:
        beta1, beta2 = (("betas[0]", group["betas"][0]), ("betas[1]", group["betas"][1]))
    else:
        beta1, beta2 = (("momentum", group.get("momentum")), ("alpha", group.get("alpha")))
    names = {"dampening": "dampening", "epsilon": "eps", "alpha_star": "final_lr", "gamma": "gamma"}
    return {"beta1": beta1, "beta2": beta2, **{letter: (name, group.get(name)) for letter, name in names.items()}}


MANNER = ("foreach", "fused", "check_finite")  # options that change no bit of a step

# --- what all optimizers share --------------------------------------------------------------------------------------


class RuleOptimizer(torch.optim.Optimizer):
    """A torch optimizer whose step is a rule's; the state of a parameter is the rule's, by its names, and `step`.

    Keywords of all: form, box and decoupled_weight_decay (see the module), maximize and differentiable as in torch;
    foreach and fused change no bit, capturable=True is refused. Raises Refused (a ValueError) where an option is out of
    range, and nothing is half done: gradients are looked at before the first parameter moves. check_finite=False
    leaves that look out, and trusts them to be finite as torch does.
    """

    kind: ClassVar[str]
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Any,
        defaults: dict[str, Any],
        *,
        form: str = "released",
        box: tuple[float, float] | None = None,
        decoupled_weight_decay: bool | None = None,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        check_finite: bool = True,
    ) -> None:
        decoupled = self.decoupled if decoupled_weight_decay is None else decoupled_weight_decay
        shared = {
            "form": form,
            "box": box,
            "decoupled_weight_decay": decoupled,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "check_finite": check_finite,
        }
        super().__init__(params, {**defaults, **shared})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; options that it does not name are the optimizer's own."""
        group = {**self.defaults, **param_group}
        self._settle(group)
        super().add_param_group(group)
        kinds = {p.dtype for p in group["params"] if not (p.is_floating_point() or p.is_complex())}
        if kinds:
            self.param_groups.pop()
            raise Refused(f"parameters must be real or complex floating-point tensors; got {kinds.pop()}")

    def _kind(self, group: dict[str, Any]) -> str:
        return self.kind

    def _of(self, group: dict[str, Any]) -> tuple[str, str]:
        return self._kind(group), group["form"]

    def _settle(self, group: dict[str, Any]) -> None:
        """Check a group's options, and put the rule's own defaults where they are None."""
        form, lr, decay = group["form"], group["lr"], group["weight_decay"]
        if form not in ("released", "paper"):
            raise Refused(f"form is 'released' or 'paper'; got {form!r}{nearest(str(form), ('released', 'paper'))}")
        if group["capturable"]:
            raise Refused("capturable=True is not supported: the round number is kept on the host; leave it False")
        if group["fused"] and group["differentiable"]:
            raise Refused("fused=True is machine code, of which there is no derivative; leave it None")
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise Refused(f"a tensor lr has one element; got {lr.numel()}")
        size = float(lr.detach() if isinstance(lr, torch.Tensor) else lr)
        for name, value in (("lr", size), ("weight_decay", float(decay))):
            if not 0 <= value < math.inf:
                raise Refused(f"{name} must be finite and >= 0; got {value}")
        group.setdefault("initial_lr", size)
        hyper = rule(*self._of(group)).hyper
        if group.get("eps") and "epsilon" not in hyper:
            raise Refused(
                f"{type(self).__name__} in its {form} form has no epsilon, so eps must be 0 or None; got {group['eps']}"
            )
        if "betas" in group:
            group["betas"] = tuple(float(beta) for beta in group["betas"])
            if len(group["betas"]) != 2:
                raise Refused(f"betas is a pair (beta1, beta2); got {group['betas']}")
        for letter, (name, value) in _letters(group).items():
            if letter not in hyper:
                continue
            default = hyper[letter].default
            if value is None:
                value = default(group["betas"][1]) if callable(default) else default
            try:
                dataclasses.replace(hyper[letter], name=name).check(exact.rational(float(value), name))
            except BadInput as error:
                raise Refused(*error.problems) from None
            if name in group:
                group[name] = float(value)
        if group["box"] is not None:
            lower, upper = (float(end) for end in group["box"])
            if not lower <= upper:
                raise Refused(f"box=(lower, upper) needs lower <= upper; got ({lower}, {upper})")
            group["box"] = (lower, upper)

    def _numbers(self, group: dict[str, Any]) -> Numbers:
        lr, initial = group["lr"], group["initial_lr"]
        lr = lr.reshape(()).to(torch.float64) if isinstance(lr, torch.Tensor) else lr
        values = {letter: value for letter, (_, value) in _letters(group).items()}
        if values["alpha_star"] is not None:
            values["alpha_star"] = values["alpha_star"] * (lr / initial if initial else float(lr > 0))
        hyper = bound_hyper(rule(*self._of(group)), values, lambda value: value)
        lower, upper = group["box"] or (0.0, 0.0)
        return Numbers(lr, group["weight_decay"], lower, upper, hyper)

    # --- a step -----------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One round; returns the closure's loss, if there is one.

        Raises Refused, with no parameter and no state changed, for a sparse gradient or one that is not finite.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(bool(self.defaults["differentiable"])):
            seen = [self._gradients(i, group) for i, group in enumerate(self.param_groups)]
            for group, (params, gradients) in zip(self.param_groups, seen, strict=True):
                self._step(group, params, gradients)
        return loss

    def _gradients(self, i: int, group: dict[str, Any]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The parameters of group i that have a gradient, and these, looked at."""
        params, gradients, fault, demanded = [], [], "", group["fused"]
        for p in group["params"]:
            g = p.grad
            if g is None:
                continue
            if g.layout is not torch.strided:
                fault = "sparse"
            if demanded and not p.is_cpu and unavailable(p.device):
                fault = "not on the CPU"
            if fault:
                break
            params.append(p)
            gradients.append(_written_out(g))
        if group["check_finite"] and (first := _not_finite(gradients)) is not None:
            p, fault = params[first], "not finite"
        if fault:
            k = next(k for k, other in enumerate(group["params"]) if other is p)
            name = f"the gradient of parameter {group.get('param_names', {k: k})[k]} in group {i} is {fault}"
            raise Refused(f"{name}; nothing was updated, and {INSTEAD[fault].format(unavailable(p.device))}")
        return params, gradients

    def _step(self, group: dict[str, Any], params: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        of = self._of(group)
        decay = "" if not group["weight_decay"] else "decoupled" if group["decoupled_weight_decay"] else "coupled"
        kind, numbers = Kind(*of, group["maximize"], decay, group["box"] is not None), self._numbers(group)
        ways = () if group["fused"] is False or group["differentiable"] else (fused, launched)
        together: dict[tuple[torch.dtype, torch.device], list[Job]] = defaultdict(list)
        for p, g in zip(params, gradients, strict=True):
            kept = self.state[p]
            if not kept:  # numbers, which take shape and type from the first gradient where they depend on one
                kept.update({name: torch.tensor(v, dtype=torch.float64) for name, v in rule(*of).state.items()})
                kept["step"] = torch.tensor(0)
            x = _real(p)
            together[x.dtype, x.device].append(Job(x, g, kept))
        for (_, device), jobs in together.items():
            way = next((way for way in ways if way.takes(device)), None)
            fit, rest = coded.split(kind, jobs) if way else ([], jobs)
            for job in rest:
                move(kind, numbers, job, group["differentiable"])
            if way and fit:
                way.move(kind, numbers, fit)

    # --- what can be read -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def rates(self, param: torch.Tensor) -> Rates:
        """The learning rate of every coordinate of `param` after its latest step, at the lr that is set now.

        Nothing is stored for it: the rule is read again with its averages held (beta = 1, 1 - beta = 0). Raises
        Refused for a parameter that is not this optimizer's, or that has not been stepped yet.
        """
        group = next((group for group in self.param_groups if any(p is param for p in group["params"])), None)
        if group is None or "step" not in self.state.get(param, {}):
            why = "is not in any group of this optimizer" if group is None else "has not been stepped yet"
            raise Refused(f"the parameter {why}, so it has no rates")
        of, kept = self._of(group), self.state[param]
        numbers = self._numbers(group)
        held = tuple(Weight(1, 0) if isinstance(h, Weight) else h for h in numbers.hyper)
        t, state = int(kept["step"]), tuple(kept[n] for n in rule(*of).state)
        rate = parted(*of)(t, numbers.alpha, torch.zeros_like(_real(param)), *state, *held)[0].rate
        raw, lower, upper = rate if isinstance(rate, tuple) else (rate, 0.0, math.inf)
        raw = raw if isinstance(raw, torch.Tensor) else _backend.number(raw)
        raw, s = raw.expand(_real(param).shape), rebind(schedule(*of), TENSORS)(t, 1)
        below, above = (float(out.double().mean()) for out in (raw < lower, raw > upper))
        return Rates(s * clip_tensors(raw, lower, upper), float(s * lower), float(s * upper), below, above)

    # --- saving and loading -----------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned; options of the groups are the saved ones, and state keeps its own type.

        A saved group that says nothing of how a step is carried out (foreach, fused, check_finite) leaves that as it
        is. Raises Refused, with nothing changed, where a group lacks another option or a state is not this rule's.
        """
        groups, saved = self.param_groups, state_dict["param_groups"]
        saved = [of | {name: self.defaults[name] for name in MANNER if name not in of} for of in saved]
        state_dict = {**state_dict, "param_groups": saved}
        for of in saved:
            if missing := sorted({*self.defaults, "initial_lr"} - of.keys()):
                raise Refused(f"the saved group is not one of {type(self).__name__}'s: it has no {', '.join(missing)}")
            self._settle(dict(of))
        pairs = [  # where lengths differ torch says so, below
            (of, key, p)
            for of, ours in zip(saved, groups, strict=False)
            for key, p in zip(of["params"], ours["params"], strict=False)
        ]
        for of, key, p in pairs:
            names, kept = {*rule(*self._of(of)).state, "step"}, state_dict["state"].get(key, {})
            if kept and kept.keys() != names:
                raise Refused(f"the saved state of parameter {key} is {sorted(kept)}; the rule's is {sorted(names)}")
            for name, value in kept.items():
                if value.ndim and value.shape != _real(p).shape:
                    raise Refused(
                        f"the saved {name} of parameter {key} has shape {tuple(value.shape)}; "
                        f"the parameter's is {tuple(_real(p).shape)}"
                    )
        super().load_state_dict(state_dict)
        for _, key, p in pairs:  # torch has rounded it to the parameter's type
            for name, value in state_dict["state"].get(key, {}).items():
                self.state[p][name] = value.clone() if name == "step" else value.clone().to(p.device)


def spelled_out(init: Callable) -> Callable:
    """Show the keywords that every optimizer shares in the signature of one that hands them on."""
    own = inspect.signature(init)
    shared = inspect.signature(RuleOptimizer.__init__).parameters.values()
    listed = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    init.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*listed, *(p for p in shared if p.kind is p.KEYWORD_ONLY)]
    )
    return init
