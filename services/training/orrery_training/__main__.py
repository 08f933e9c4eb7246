"""`python -m orrery_training --workspace DIR`: alone reads the environment, prints, and decides the exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from .definition import read_definition
from .errors import TrainingError, UserError

OK, FAILED, USAGE = 0, 1, 2


def main() -> int:
    try:
        workspace = _workspace()
        _fix_environment()
        definition = read_definition(workspace / "in" / "model.json")
        # Imported only once the definition is known to be right: these take a second.
        from .training import train

        train(workspace, definition, _report)
    except UserError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return USAGE
    except TrainingError as error:
        print(f"training failed: {error}", file=sys.stderr)
        return FAILED
    except MemoryError:
        print(
            "training failed: out of memory: raise resources.memoryMiB or lower sampling.trainRowsMax", file=sys.stderr
        )
        return FAILED
    except Exception:
        traceback.print_exc()
        return FAILED
    return OK


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line like every other mistake, instead of the usage and a line."""
        raise UserError(f"{message}: type {self.prog} --workspace DIR")


def _workspace() -> Path:
    parser = Parser(prog="python -m orrery_training", description="Train one model from a workspace.")
    parser.add_argument("--workspace", required=True, type=Path, metavar="DIR", help="folder with in/; out/ is written")
    workspace: Path = parser.parse_args().workspace
    if not (workspace / "in").is_dir():
        raise UserError(
            "--workspace has no folder in/: name the folder that holds in/model.json and in/dataset.parquet"
        )
    return workspace


def _fix_environment() -> None:
    """What must be settled before numpy and scikit-learn are loaded."""
    # A thread of OpenMP that waits spins by default: on a busy machine that made a fit four to fifteen times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Arrow's own allocator keeps what was freed: a quarter more memory at the peak, and a third more address space.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Python shuffles its sets by a random seed a process. The same bytes every time need seed zero, which only
    # the start of a process can set.
    if sys.flags.hash_randomization == 0:
        return
    if sys.flags.ignore_environment:
        raise UserError(
            "python runs with -I or -E and a random hash seed: leave that option out, PYTHONHASHSEED must be 0"
        )
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _report(stage: str, message: str) -> None:
    print(json.dumps({"stage": stage, "message": message}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
