"""What all optimizers of `simlab.optim` share: a step of a rule on torch's parameters, and what can be read of it."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

from simlab import catalog, exact
from simlab.backends import torch as _backend
from simlab.errors import BadInput, nearest
from simlab.feasible import Box
from simlab.ops import Weight, clip, rebind
from simlab.protocol import bound_hyper, proposer
from simlab.rule import UpdateRule
from simlab.schedules import constant

import torch  # isort: skip  # after the backend, which says what to install where it is missing

PIECE = 1 << 16  # coordinates of a large parameter that a step takes at a time: temporaries then stay in the cache

# the rule behind a kind of optimizer in each form; where the released form has no rule of its own, only s(t) differs
RULES: dict[str, dict[str, str]] = {
    "momentum": {"released": "momentum", "paper": "momentum"},
    "adagrad": {"released": "adagrad", "paper": "adagrad"},
    "rmsprop": {"released": "rmsprop", "paper": "rmsprop"},
    "adam": {"released": "adam", "paper": "adam_analysed"},
    "amsgrad": {"released": "amsgrad", "paper": "amsgrad"},
    "adabound": {"released": "adabound_released", "paper": "adabound"},
    "amsbound": {"released": "amsbound_released", "paper": "amsbound"},
}


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


# --- the rules on tensors -------------------------------------------------------------------------------------------


@cache
def _largest_subnormal(kind: torch.dtype) -> float:
    tiny = torch.tensor(torch.finfo(kind).tiny, dtype=kind)  # the smallest normal number
    return float(torch.nextafter(tiny, torch.zeros_like(tiny)))


def _flush(state: tuple) -> tuple:
    """State that is subnormal in its own type is set to 0; nobody asks whether any was, which would wait.

    torch's hardshrink is x where |x| > a, else 0, in one pass.
    """
    return tuple(torch.nn.functional.hardshrink(s, _largest_subnormal(s.dtype)) for s in state), False


_TENSORS = SimpleNamespace(**{**vars(_backend), "flush": _flush})
_clip, _project = rebind(clip, _TENSORS), rebind(Box.project, _TENSORS)


@cache
def _rule(kind: str, form: str) -> UpdateRule:
    return catalog.rule(RULES[kind][form])


def _schedule(kind: str, form: str) -> Callable:
    return constant if form == "released" else _rule(kind, form).schedule


@cache
def _proposer(kind: str, form: str) -> Callable:
    plan: Any = SimpleNamespace(rule=_rule(kind, form), rate_schedule=_schedule(kind, form), beta1_schedule=constant)
    return rebind(proposer(plan), _TENSORS)


@cache
def _parted(kind: str, form: str) -> Callable:
    """The rule with clip(rate, lower, upper) left undone: its rate is these three, if it clips."""
    return rebind(_rule(kind, form).function, _TENSORS, memo={clip: lambda rate, lower, upper: (rate, lower, upper)})


def _real(x: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


def _cuts(*tensors: torch.Tensor) -> bool:
    """Whether a step on these is worth cutting: large, on the CPU, and laid out alike."""
    return tensors[0].numel() > PIECE and all(x.device.type == "cpu" and x.is_contiguous() for x in tensors)


def _by_pieces(move: Callable, target: torch.Tensor, g: torch.Tensor, state: tuple) -> tuple:
    """move(target, g, state), piece by piece and in place: coordinates do not see each other, so no bit changes."""
    x, g, whole = target.view(-1), g.view(-1), state
    for start in range(0, x.numel(), PIECE):
        cut = slice(start, start + PIECE)
        moved, after = move(x[cut], g[cut], tuple(s.view(-1)[cut] if s.ndim else s for s in state))
        if start == 0:  # what was a number may have become one a coordinate
            whole = tuple(
                s if s.ndim or not a.ndim else torch.empty(target.shape, dtype=a.dtype)
                for s, a in zip(state, after, strict=True)
            )
        x[cut] = moved
        for s, a in zip(whole, after, strict=True):
            if s.ndim:
                s.view(-1)[cut] = a
    return tuple(s if s.ndim else a for s, a in zip(whole, after, strict=True))


def _letters(group: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """(torch's name, value in this group) of each letter that a rule may use."""
    if "betas" in group:
        beta1, beta2 = (("betas[0]", group["betas"][0]), ("betas[1]", group["betas"][1]))
    else:
        beta1, beta2 = (("momentum", group.get("momentum")), ("alpha", group.get("alpha")))
    names = {"dampening": "dampening", "epsilon": "eps", "alpha_star": "final_lr", "gamma": "gamma"}
    return {"beta1": beta1, "beta2": beta2, **{letter: (name, group.get(name)) for letter, name in names.items()}}


# --- what all optimizers share --------------------------------------------------------------------------------------


class RuleOptimizer(torch.optim.Optimizer):
    """A torch optimizer whose step is a rule's; the state of a parameter is the rule's, by its names, and `step`.

    Keywords of all: form, box and decoupled_weight_decay (see the module), maximize and differentiable as in torch;
    foreach and fused change nothing, capturable=True is refused. Raises Refused (a ValueError) where an option is out
    of range, and nothing is half done: gradients are looked at before the first parameter moves.
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
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise Refused(f"a tensor lr has one element; got {lr.numel()}")
        size = float(lr.detach() if isinstance(lr, torch.Tensor) else lr)
        for name, value in (("lr", size), ("weight_decay", float(decay))):
            if not 0 <= value < math.inf:
                raise Refused(f"{name} must be finite and >= 0; got {value}")
        group.setdefault("initial_lr", size)
        hyper = _rule(*self._of(group)).hyper
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

    def _numbers(self, group: dict[str, Any]) -> tuple[Any, tuple]:
        """(alpha, hyper) that the rule is called with."""
        lr, initial = group["lr"], group["initial_lr"]
        lr = lr.reshape(()) if isinstance(lr, torch.Tensor) else lr
        values = {letter: value for letter, (_, value) in _letters(group).items()}
        if values["alpha_star"] is not None:
            values["alpha_star"] = values["alpha_star"] * (lr / initial if initial else float(lr > 0))
        return lr, bound_hyper(_rule(*self._of(group)), values, lambda value: value)

    # --- a step -----------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One round; returns the closure's loss, if there is one.

        Raises Refused, with no parameter and no state changed, for a sparse gradient or one that is not finite.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for i, group in enumerate(self.param_groups):
            for k, p in enumerate(group["params"]):
                self._look_at(p.grad, f"the gradient of parameter {group.get('param_names', {k: k})[k]} in group {i}")
        with torch.set_grad_enabled(bool(self.defaults["differentiable"])):
            for group in self.param_groups:
                numbers = self._numbers(group)
                for p in group["params"]:
                    if p.grad is not None:
                        self._move(p, group, *numbers)
        return loss

    def _look_at(self, g: torch.Tensor | None, name: str) -> None:
        if g is None:
            return
        if g.layout is not torch.strided:
            raise Refused(f"{name} is sparse, and {type(self).__name__} has no sparse form; torch.optim.SparseAdam has")
        if g.numel() and not all(torch.isfinite(end) for end in _real(g.detach()).aminmax()):  # nan is both ends
            raise Refused(f"{name} is not finite; nothing was updated (torch.amp.GradScaler skips such steps)")

    def _move(self, p: torch.Tensor, group: dict[str, Any], alpha: Any, hyper: tuple) -> None:
        of = self._of(group)
        target, g, kept = _real(p), _real(p.grad), self.state[p]  # type: ignore[arg-type]
        rule = _rule(*of)
        divides = "epsilon" not in rule.hyper and bool({"v", "s"} & rule.state.keys())
        wide = torch.float64 if divides or target.dtype == torch.float64 else torch.float32
        t = int(kept["step"]) + 1 if "step" in kept else 1

        def move(x: torch.Tensor, g: torch.Tensor, state: tuple) -> tuple[torch.Tensor, tuple]:
            x, g = x.to(wide, copy=group["differentiable"]), g.to(wide)
            if group["maximize"]:
                g = -g
            if group["weight_decay"] and group["decoupled_weight_decay"]:
                x = x * (1 - alpha * group["weight_decay"])
            elif group["weight_decay"]:
                g = g + group["weight_decay"] * x
            x, rate, _, state, *_ = _proposer(*of)(t, g, x, state, 1, alpha, 1, hyper)
            return x if group["box"] is None else _project(x, rate, *group["box"]), state

        # state starts as numbers, and takes shape and type from the first gradient where it depends on one
        state = tuple(kept[n] if n in kept else torch.tensor(v, dtype=torch.float64) for n, v in rule.state.items())
        if _cuts(target, g, *state) and not group["differentiable"]:
            state = _by_pieces(move, target, g, state)
        else:
            x, state = move(target, g, state)
            target.copy_(x)
        kept.update(zip(rule.state, state, strict=True), step=torch.tensor(t))

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
        alpha, hyper = self._numbers(group)
        held = tuple(Weight(1, 0) if isinstance(h, Weight) else h for h in hyper)
        t, state = int(kept["step"]), tuple(kept[n] for n in _rule(*of).state)
        rate = _parted(*of)(t, alpha, torch.zeros_like(_real(param)), *state, *held)[0].rate
        raw, lower, upper = rate if isinstance(rate, tuple) else (rate, 0.0, math.inf)
        raw = raw if isinstance(raw, torch.Tensor) else _backend.number(raw)
        raw, s = raw.expand(_real(param).shape), rebind(_schedule(*of), _TENSORS)(t, 1)
        below, above = (float(out.double().mean()) for out in (raw < lower, raw > upper))
        return Rates(s * _clip(raw, lower, upper), float(s * lower), float(s * upper), below, above)

    # --- saving and loading -----------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned; options of the groups are the saved ones, and state keeps its own type.

        Raises Refused, with nothing changed, where a group lacks an option or a state is not this rule's.
        """
        groups, saved = self.param_groups, state_dict["param_groups"]
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
            names, kept = {*_rule(*self._of(of)).state, "step"}, state_dict["state"].get(key, {})
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
                self.state[p][name] = value.clone().to(p.device) if value.ndim else value


def spelled_out(init: Callable) -> Callable:
    """Show the keywords that every optimizer shares in the signature of one that hands them on."""
    own = inspect.signature(init)
    shared = inspect.signature(RuleOptimizer.__init__).parameters.values()
    listed = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    init.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*listed, *(p for p in shared if p.kind is p.KEYWORD_ONLY)]
    )
    return init
