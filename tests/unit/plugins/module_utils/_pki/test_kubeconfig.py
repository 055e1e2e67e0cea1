# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
import yaml

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.kubeconfig import (
    make_kubeconfig,
    needs_new_kubeconfig,
)

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
SERVER = "https://198.51.100.2:6443"


@pytest.fixture(scope="module")
def kubeconfig(authorities):
    return make_kubeconfig("demo", SERVER, authorities, now=NOW)


def needs(text, authorities, *, server=SERVER, days_later=0):
    now = NOW + datetime.timedelta(days=days_later)
    return needs_new_kubeconfig(text, server, authorities, now=now, renew_days=90)


def test_fresh_one_stays(kubeconfig, authorities):
    assert needs(kubeconfig, authorities) == ""


def test_it_is_a_kubeconfig_with_the_cluster_as_context(kubeconfig):
    config = yaml.safe_load(kubeconfig)
    assert (config["kind"], config["current-context"]) == ("Config", "demo")
    assert config["clusters"][0]["cluster"]["server"] == SERVER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is none"),
        ("", "the one that is there is not as this collection writes it"),
        ("clusters: []\nusers: []", "the one that is there is not as this collection writes it"),
        ("clusters: [", "the one that is there is not as this collection writes it"),
    ],
)
def test_missing_or_broken_one_is_made_anew(authorities, text, reason):
    assert needs(text, authorities) == reason


def test_other_authorities_make_it_anew(kubeconfig, other_authorities):
    assert needs(kubeconfig, other_authorities) == "it is for other authorities"


def test_other_server_makes_it_anew(kubeconfig, authorities):
    assert needs(kubeconfig, authorities, server="https://203.0.113.1:6443") == f"it points at {SERVER}"


def test_expiry_makes_it_anew(kubeconfig, authorities):
    assert needs(kubeconfig, authorities, days_later=300) == "it expires in 65 days"


def test_key_of_another_one_is_noticed(kubeconfig, authorities):
    ours = yaml.safe_load(kubeconfig)
    theirs = yaml.safe_load(make_kubeconfig("demo", SERVER, authorities, now=NOW))
    ours["users"][0]["user"]["client-key-data"] = theirs["users"][0]["user"]["client-key-data"]
    assert needs(yaml.safe_dump(ours), authorities) == "its key does not belong to its certificate"
