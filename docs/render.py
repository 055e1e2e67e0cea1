"""Write the page of every plugin and role, as ansible-doc shows it, to docs/_build/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
OUTPUT = REPOSITORY / "docs" / "_build"
COLLECTION = "flotilla.coreos"
PLUGIN_TYPES = ("module", "inventory", "filter", "lookup", "callback", "role")


def ansible_doc(*words: str) -> str:
    """Return what ansible-doc prints; raises CalledProcessError where a page can't be rendered."""
    command = [str(Path(sys.executable).parent / "ansible-doc"), *words]
    return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Render all pages, saying each one's name."""
    OUTPUT.mkdir(exist_ok=True)
    for plugin_type in PLUGIN_TYPES:
        names = sorted(json.loads(ansible_doc("-t", plugin_type, "-l", "-j", COLLECTION)))
        for name in names:
            page = OUTPUT / f"{name}_{plugin_type}.txt"
            page.write_text(ansible_doc("-t", plugin_type, name), encoding="utf-8")
            print(page.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
