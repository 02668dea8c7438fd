"""Figures as people read them."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

Figures = dict[str, Any]


def machine(options: Any) -> Figures:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgresql": postgres,
        "webs": options.webs,
        "workers": options.workers,
        "on": datetime.now(UTC).date().isoformat(),
    }


def lost(figures: Figures) -> int:
    """Tokens that did not arrive or did not stand in the table, and whatever came out of order."""
    return sum(
        sum(abs(each.get(name, 0)) for name in ("lost", "wrong")) for each in ours(figures).values()
    )


def ours(figures: Figures) -> dict[str, Figures]:
    return {
        name: each.get("ours", each)
        for name, each in figures["workloads"].items()
        if isinstance(each, dict)
    }


def as_text(figures: Figures) -> str:
    about = ", ".join(f"{name} {value}" for name, value in figures["machine"].items())
    loads = {name: each for name, each in figures["workloads"].items() if "ours" in each}
    parts = [about]
    if loads:
        parts.append(table([HEADINGS, *(row for name in loads for row in rows(name, loads[name]))]))
        parts += missing(loads)
    for name, each in figures["workloads"].items():
        if name not in loads:
            parts.append(f"{name}: " + "; ".join(said(each)))
    return "\n\n".join(parts)


HEADINGS = [
    "", "tokens/s", "late p50", "p95", "p99 ms", "first p50", "p99 ms", "lost",
    "CPU s/M", "web", "worker", "postgres", "bytes/token",
]  # fmt: skip


def rows(name: str, each: Figures) -> list[list[str]]:
    found = [row(name, each["ours"])]
    if each["floor"]:
        found.append(row("  floor", each["floor"], "relay"))
        found.append(["  ratio", *ratios(each["ours"], each["floor"])])
    for peer, seen in each.get("peers", {}).items():
        if "missing" not in seen:
            found.append(row(f"  {peer}", seen, peer))
            found.append(["  ratio", *ratios(each["ours"], seen)])
    return found


def missing(loads: Figures) -> list[str]:
    peers = {peer: seen for each in loads.values() for peer, seen in each.get("peers", {}).items()}
    return [
        f"{peer} is not measured: {seen['missing']}."
        for peer, seen in peers.items()
        if "missing" in seen
    ]


def row(name: str, each: Figures, server: str = "web") -> list[str]:
    late, first = each["late_ms"] or {}, each["first_ms"] or {}
    cpu = each["cpu_per_million"]
    return [
        name,
        f"{each['tokens_per_second']:,.0f}",
        *(short(late.get(q)) for q in ("p50", "p95", "p99")),
        *(short(first.get(q)) for q in ("p50", "p99")),
        str(each.get("lost", "") or each["wrong"]),
        short(served(cpu)),
        *(short(cpu.get(name)) for name in (server, "worker", "postgres")),
        short(each.get("table_bytes_per_token")),
    ]


def served(cpu: Figures) -> float:
    """Returns what answers cost, without the load's own processes and the provider's."""
    return float(sum(used for name, used in cpu.items() if name not in ("swarm", "vendor")))


def ratios(ours: Figures, floor: Figures) -> list[str]:
    def over(name: str, q: str) -> str:
        mine, theirs = (ours[name] or {}).get(q), (floor[name] or {}).get(q)
        return f"{mine / theirs:.1f}×" if mine and theirs else ""

    cpu = served(ours["cpu_per_million"]) / (served(floor["cpu_per_million"]) or 1)
    late = [over("late_ms", q) for q in ("p50", "p95", "p99")]
    pace = ours["tokens_per_second"] / floor["tokens_per_second"]
    first = [over("first_ms", q) for q in ("p50", "p99")]
    return [f"{pace:.2f}×", *late, *first, "", f"{cpu:.1f}×", "", "", "", ""]


def short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def table(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def said(each: Figures, under: str = "") -> list[str]:
    """Nested figures in one line; what was not measured is left out."""
    parts = []
    for name, value in each.items():
        if isinstance(value, dict):
            parts += said(value, f"{under}{name} ")
        elif isinstance(value, float | int) and not isinstance(value, bool) and value:
            parts.append(f"{under}{name} {short(value)}")
        elif value and value != "":
            parts.append(f"{under}{name} {value}")
    return parts
