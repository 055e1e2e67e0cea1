# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from local_cloud.errors import LocalCloudError

__all__ = ["BuildError", "ChecksumError", "CommandError", "NotBuiltError", "PreflightError"]


class BuildError(LocalCloudError):
    """A build step could not finish."""


class NotBuiltError(LocalCloudError):
    """The cache does not hold what the present recipe makes."""


class PreflightError(BuildError):
    """This machine lacks something that the build needs."""


class CommandError(BuildError):
    """A command that a build step ran failed."""


class ChecksumError(BuildError):
    """A download is not what its publisher says it is."""
