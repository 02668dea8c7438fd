"""Shows that the checks of other protocols' clients can fail: each is run against a server that has
the very fault it is there for.

    nice uv run python -m tests.judges.mutations [WORDS OF A NAME …]

Makes the faults of `mutations.toml` one after the other in a worktree of the newest commit, and
runs the check that each of them names. Ends with 1 if a check did not see its fault. It takes half
an hour of a core.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

from streams.postgres import embedded

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
LIST = HERE / "mutations.toml"
# The tests that run the scripts of this folder.
SCRIPTS = {
    "ai_sdk/judge.mjs": "test_ai_sdk.py::test_use_chat_finds_what_it_expects[ai-7]",
    "ai_sdk/tools.mjs": "test_tools.py::test_a_client_runs_tools_and_decides[ai-7]",
    "ag_ui/judge.mjs": "test_ag_ui.py::test_the_client_finds_what_it_expects[ag-ui]",
    "ag_ui/tanstack.mjs": "test_ag_ui.py::test_the_client_finds_what_it_expects[tanstack]",
    "ag_ui/tools.mjs": "test_tools.py::test_a_client_runs_tools_and_decides[ag-ui]",
    "openai_node/judge.mjs": "test_openai_docs.py::test_openai_node_finds_what_it_expects",
}
SEEN, SURVIVED, BROKEN = "seen", "SURVIVED", "NOT RUN"


class Mutation(NamedTuple):
    """A fault: `old` stands once in `file`. `fails` is a test of this folder, or a script and the
    beginning of a check's name."""

    name: str
    file: str
    old: str
    new: str
    fails: str

    @property
    def test(self) -> str:
        script, _, _ = self.fails.partition(": ")
        return SCRIPTS.get(script, self.fails)

    @property
    def check(self) -> str:
        """Returns one check of a script; the others are left out."""
        return self.fails.partition(": ")[2]

    def count(self, root: Path) -> int:
        """Returns how often the text that is to be replaced stands in its file."""
        return (root / self.file).read_text().count(self.old)

    def made(self, root: Path) -> str:
        """Returns the file with the fault."""
        return (root / self.file).read_text().replace(self.old, self.new)

    def tried(self, root: Path) -> str:
        path = root / self.file
        whole = path.read_text()
        path.write_text(self.made(root))
        try:
            return self.verdict(*ran(root, self.test, self.check))
        finally:
            path.write_text(whole)

    def verdict(self, status: int, output: str) -> str:
        """A test that fails before it has begun has seen nothing, nor has another check."""
        if status == 0:
            return SURVIVED
        failed = re.search(rf"^FAILED .*{re.escape(self.test.partition('[')[0])}", output, re.M)
        return SEEN if status == 1 and failed and self.check in output else BROKEN


def mutations() -> list[Mutation]:
    return [Mutation(**each) for each in tomllib.loads(LIST.read_text())["mutation"]]


def ran(root: Path, test: str, check: str) -> tuple[int, str]:
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--reuse-db", "--tb", "short"]
    # Tools are told what to say in the order of their checks: there all are run.
    only = {"CHECK": check} if "test_tools" not in test else {}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"tests/judges/{test}"],
        cwd=root,
        env=os.environ | {"CI": "true"} | only,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def main(words: list[str]) -> int:
    chosen = [each for each in mutations() if all(word in each.name for word in words)]
    found: dict[str, list[str]] = {SEEN: [], SURVIVED: [], BROKEN: []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = embedded.start(Path(folder) / "database", throwaway=True)
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree))
        try:
            for each in chosen:
                verdict = each.tried(tree)
                found[verdict].append(each.name)
                print(f"{verdict:>8}  {each.name} ({each.fails})", flush=True)
        finally:
            git("worktree", "remove", "--force", str(tree))
    print(", ".join(f"{len(names)} {verdict.lower()}" for verdict, names in found.items()))
    return 1 if found[SURVIVED] or found[BROKEN] else 0


def git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
