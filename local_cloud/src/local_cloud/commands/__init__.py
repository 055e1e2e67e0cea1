# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs of the command line do."""

from __future__ import annotations

from local_cloud.commands.build import build
from local_cloud.commands.console import console
from local_cloud.commands.logs import LOG_SUBJECTS, logs
from local_cloud.commands.start import Wishes, start
from local_cloud.commands.status import status
from local_cloud.commands.stop import stop

__all__ = ["LOG_SUBJECTS", "Wishes", "build", "console", "logs", "start", "status", "stop"]
