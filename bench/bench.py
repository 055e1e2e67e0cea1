"""Measure the main job on a local cloud of its own: stages, second run, removal, memory.

    make bench                       three rounds of one control plane and two workers
    make bench ARGS='--rounds 5'     more of them
    make bench ARGS='--workers 4'    another shape

Prints the median of every figure with its minimum and maximum. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
Figures = dict[str, list[float]]


def run(words: list[str], environment: dict[str, str]) -> float:
    """Run a command and return its seconds; print its output and raise CalledProcessError where it fails."""
    started_s = time.monotonic()
    finished = subprocess.run(
        words, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if finished.returncode:
        print(finished.stdout)
        finished.check_returncode()
    return time.monotonic() - started_s


def memory_mib(cloud: str) -> float:
    """Return what the droplets of a cloud hold: the memory controller's resident set of each, page cache left out."""
    total = 0
    for statistics_file in Path("/sys/fs/cgroup").glob(f"memory/*{cloud}*/memory.stat"):
        fields = dict(line.split() for line in statistics_file.read_text().splitlines())
        total += int(fields["total_rss"])
    return total / 2**20


def record_stages(figures: Figures, prefix: str, document: Path) -> None:
    """Add the figures of one run to the collection."""
    run_figures = json.loads(document.read_text())
    figures[f"{prefix}: tasks"].append(run_figures["tasks"])
    for unit in ("api_requests", "ssh_exchanges"):
        figures[f"{prefix}: {unit}"].append(sum(stage[unit] for stage in run_figures["stages"]))
    for stage in run_figures["stages"]:
        figures[f"{prefix}: stage {stage['stage']} s"].append(stage["seconds"])


def measure_round(figures: Figures, shape: dict[str, str]) -> None:
    """Bring a cluster up, run again, take it down; all in a temporary folder."""
    cloud = f"b{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stages = Path(folder) / "stages.json"
        environment = os.environ | shape
        environment |= {"LOCAL_CLOUD_HOME": folder, "CLOUD": cloud, "CLUSTER": "bench"}
        environment |= {"FLOTILLA_STAGES_OUTPUT": str(stages)}
        playbook = [str(BIN / "ansible-playbook"), "site.yml", "-e", f"flotilla_output_dir={folder}/state"]
        local_cloud = str(BIN / "local-cloud")
        figures["local-cloud start s"].append(
            run([local_cloud, "start", "--name", cloud, "--delays", "none"], environment)
        )
        try:
            for prefix in ("first run", "second run"):
                figures[f"{prefix} s"].append(run(playbook, environment))
                record_stages(figures, prefix, stages)
            figures["memory of the droplets MiB"].append(memory_mib(cloud))
        finally:
            stop = [local_cloud, "stop", "--name", cloud, "--purge"]
            figures["local-cloud stop --purge s"].append(run(stop, environment))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--control-plane", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    figures: Figures = defaultdict(list)
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", flush=True)
        measure_round(figures, {"CONTROL_PLANE": str(options.control_plane), "WORKERS": str(options.workers)})
    print(f"\n{'figure':<40} {'median':>9} {'min':>9} {'max':>9}")
    for name, values in figures.items():
        print(f"{name:<40} {statistics.median(values):9.1f} {min(values):9.1f} {max(values):9.1f}")


if __name__ == "__main__":
    main()
