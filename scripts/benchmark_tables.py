"""The report of scripts/benchmark.py as tables for people."""

from __future__ import annotations

from typing import Any

from benchmark_arrays import sweep_text, vector_text


def text(report: dict[str, Any]) -> str:
    """The report as tables."""
    about = [f"{k} {v}" for k, v in report["about"].items()]
    lines = [
        ", ".join(about[:4]),
        ", ".join(about[4:]),
        f"least of {report['repeats']} turns; {report['rounds']} rounds each (fewer for slow peers)",
    ]
    if "loop" in report:
        lines += loop_text(report["loop"])
    if "rules" in report:
        lines += rules_text(report["rules"])
    if "start" in report:
        lines += ["", f"{'from the start of a process':<40} {'s':>8}"]
        lines += [f"{name:<40} {seconds:>8.3f}" for name, seconds in report["start"]["seconds"].items()]
        lines += [f"{name:<40}  skipped: {why}" for name, why in report["start"]["skipped"].items()]
    if "sweep" in report:
        lines += sweep_text(report["sweep"])
    if "vector" in report:
        lines += vector_text(report["vector"])
    return "\n".join(lines)


def loop_text(found: dict[str, Any]) -> list[str]:
    ours, lines = "simlab numba, 1 round recorded", []
    for race, title in ((found, "a gradient in every round"), (found["idle"], "idle in 998 of 1000 rounds")):
        rule, problem, hyper, _ = race["setting"]
        lines += [
            "",
            f"{rule} on {problem}, {', '.join(f'{k} = {v}' for k, v in hyper)}: {title}",
            f"{'':<40} {'ns/round':>10} {'median':>10} {'x simlab':>9}   x - x_python",
        ]
        least = race["times"][ours]["least"]
        for name, t in sorted(race["times"].items(), key=lambda item: item[1]["least"]):
            lines.append(
                f"{name:<40} {t['least']:>10.2f} {t['median']:>10.2f} {t['least'] / least:>9.3f}   "
                f"{race['x'][name] - race['x']['python floats']:.1e}"
            )
        lines += [f"{name:<40} skipped: {why}" for name, why in race["skipped"].items()]
    t = {name: times["least"] for name, times in found["times"].items()}
    ratios = [
        ("simlab / C, no contraction", ours, "C -O3 -march=native, no contraction"),
        ("simlab / C, compensated sum", ours, "C, no contraction, compensated sum"),
        ("torch.optim.Adam / simlab", "torch.optim.Adam", ours),
        ("recording 1000 rounds", "simlab numba, 1000 recorded", ours),
        ("compensated regret, simlab", ours, "simlab numba, no sum of losses"),
        ("compensated regret, C", "C, no contraction, compensated sum", "C -O3 -march=native, no contraction"),
        ("both, simlab", "simlab numba, 1000 recorded", "simlab numba, no sum of losses"),
    ]
    lines += [""] + [f"{name:<40} {t[a] / t[b]:>10.3f}" for name, a, b in ratios if a in t and b in t]
    lines += [f"{f'simlab.run beyond the loop, {name}, ms':<40} {ms:>10.2f}" for name, ms in found["call"].items()]
    return [*lines, f"decisions agree (ours to the last bit, peers to 1e-9): {'yes' if found['agree'] else 'NO'}"]


def rules_text(found: dict[str, Any]) -> list[str]:
    d = found["divider"]
    lines = [
        "",
        f"every rule on {found['problem']}, C = 3; the least that the divider takes, singly and in pairs",
        f"{'':<24} {'ns/round':>10} {'sqrt':>5} {'div':>5} {'singly':>8} {'pairs':>8}",
    ]
    for name, r in sorted(found["rules"].items()):
        limits = f"{r['one']:>8.2f} {r['pair']:>8.2f}" if "one" in r else ""
        lines.append(f"{name:<24} {r['least']:>10.2f} {r['sqrt']:>5} {r['div']:>5} {limits}")
    if d:
        lines.append(
            "divider: sqrt {:.2f}, 1/x {:.2f} ns; in pairs {:.2f}, {:.2f} ns each".format(
                *(d[f"{n}, {w}"] for w in ("one", "pair") for n in ("roots", "quotients"))
            )
        )
    return lines + [f"{name}: skipped: {why}" for name, why in found["skipped"].items()]
