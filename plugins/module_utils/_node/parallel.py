# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many nodes at once, and one report of whatever failed."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import Stop, StoppedError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodesFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MAX_THREADS", "fail_together", "on_each"]

T = TypeVar("T")
# Each thread mostly waits for ssh; more of them than this would only make one controller's ssh processes compete.
MAX_THREADS = 64


def on_each(names: Iterable[str], work: Callable[[str], T], *, stop: Stop, ends_all: bool = True) -> dict[str, T]:
    """Run `work(name)` for each name in a thread of its own and return the results by name.

    With `ends_all`, the first failure calls off the waits of the others. Raises the failure, or NodesFailedError with
    all of them.
    """
    names = list(names)
    errors: list[CollectionError] = []
    results: dict[str, T] = {}
    with ThreadPoolExecutor(max_workers=max(1, min(len(names), MAX_THREADS))) as pool:
        futures: dict[Future[T], str] = {pool.submit(work, name): name for name in names}
        pending = set(futures)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    results[futures[future]] = future.result()
                except StoppedError:
                    continue
                except CollectionError as error:
                    errors.append(error)
                    if ends_all:
                        stop.set()
                except BaseException:
                    stop.set()
                    raise
    fail_together(errors)
    return {name: results[name] for name in names if name in results}


def fail_together(errors: list[CollectionError]) -> None:
    """Raise the only error, or one that holds them all; do nothing where there is none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise NodesFailedError(errors)
