# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib

import pytest
import yaml

ACTIONS = ("bootstrap", "certificates", "node_tree", "run_lock", "verify")
ROOT = "ansible_collections.flotilla.coreos.plugins"


@pytest.mark.parametrize("name", ACTIONS)
def test_action_takes_the_documented_options(name):
    options = yaml.safe_load(importlib.import_module(f"{ROOT}.modules.{name}").DOCUMENTATION)["options"]
    arguments = importlib.import_module(f"{ROOT}.action.{name}").ActionModule.ARGUMENTS
    kept = ("type", "elements", "required", "default", "choices", "options")
    documented = {option: {key: fields[key] for key in kept if key in fields} for option, fields in options.items()}
    for fields in documented.values():
        for suboption, described in fields.get("options", {}).items():
            fields["options"][suboption] = {key: described[key] for key in kept if key in described}
    assert arguments == documented


@pytest.mark.parametrize("name", ACTIONS)
def test_documentation_has_examples_and_results_that_are_yaml(name):
    module = importlib.import_module(f"{ROOT}.modules.{name}")
    assert yaml.safe_load(module.EXAMPLES)
    assert yaml.safe_load(module.RETURN)
