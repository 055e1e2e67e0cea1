# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from local_cloud import commands
from local_cloud.delays import DELAYS
from local_cloud.errors import LocalCloudError
from local_cloud.paths import DEFAULT_NAME, CloudPaths, cache_root

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_DESCRIPTION = """\
A DigitalOcean on one machine: its v2 API, and droplets that are real systemd machines with the real network
services around them. Several clouds, told apart by --name, can run side by side.
"""
_EPILOG = """\
environment:
  LOCAL_CLOUD_HOME   where clouds keep their state (/var/lib/local-cloud)
  LOCAL_CLOUD_CACHE  where `build` puts its results (/var/cache/local-cloud)

start writes NAME/connection.json below LOCAL_CLOUD_HOME: API address, token, SSH key, mirrors.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-cloud",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    verbs.add_parser("build", help="make the droplet image and everything the services serve; nothing if it is there")
    _add_start(verbs.add_parser("start", help="start a cloud, or say that it runs"))
    stop = verbs.add_parser("stop", help="stop a cloud: no process, mount, namespace or cgroup is left")
    stop.add_argument("--purge", action="store_true", help="delete its droplets and all its state as well")
    status = verbs.add_parser("status", help="show a cloud, its services and its droplets")
    logs = verbs.add_parser("logs", help="show what a droplet, a service, the API or the daemon said")
    logs.add_argument("subject", nargs="?", default="daemon", help=f"a droplet, or {', '.join(commands.LOG_SUBJECTS)}")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as more is said")
    console = verbs.add_parser("console", help="open a root shell in a droplet, past network and SSH")
    console.add_argument("droplet", help="its name or number")
    for verb in (stop, status, logs, console):
        _add_name(verb)
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default=DEFAULT_NAME, help="which cloud (%(default)s)")


def _add_start(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--driver", choices=("nspawn", "paper"), help="real machines (the default), or none")
    parser.add_argument(
        "--delays", choices=tuple(DELAYS), help="how slow the cloud pretends to be: as fast as it can (the default), "
        "a second or two for each step, or like the real one",
    )  # fmt: skip
    parser.add_argument("--port", type=int, help="the API's port on 127.0.0.1 (a free one, then always the same)")
    parser.add_argument("--droplet-limit", type=int, help="the account's droplet limit (25)")
    parser.add_argument("--burst-limit", type=int, help="API requests a minute; 0 for no limit (250)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except LocalCloudError as error:
        print(f"local-cloud: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"local-cloud: {error.filename}: {error.strerror}. Clouds with machines are root's.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("local-cloud: interrupted; the same command again finishes what it began", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.verb == "build":
        return commands.build(cache_root())
    paths = CloudPaths.of(arguments.name)
    if arguments.verb == "start":
        wishes = commands.Wishes(
            driver=arguments.driver,
            delays=arguments.delays,
            port=arguments.port,
            droplet_limit=arguments.droplet_limit,
            burst_limit=arguments.burst_limit,
        )
        return commands.start(paths, wishes)
    if arguments.verb == "stop":
        return commands.stop(paths, purge=arguments.purge)
    if arguments.verb == "status":
        return commands.status(paths)
    if arguments.verb == "logs":
        return commands.logs(paths, arguments.subject, follow=arguments.follow)
    return commands.console(paths, arguments.droplet)
