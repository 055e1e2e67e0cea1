# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's clients, unmodified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import digitalocean
import pytest
from azure.core.exceptions import HttpResponseError
from paper_cloud import PUBLIC_KEY, TOKEN, Cloud, eventually, serving
from pydo import Client

from local_cloud.keys import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _end_point(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_END_POINT", cloud.url)


@pytest.mark.usefixtures("_end_point")
def test_python_digitalocean_lives_a_whole_life() -> None:
    manager = digitalocean.Manager(token=TOKEN)
    assert manager.get_account().droplet_limit == 25
    assert {image.slug for image in manager.get_images()} >= {"debian-13-x64", "flatcar-stable"}
    key = digitalocean.SSHKey(token=TOKEN, name="ops", public_key=PUBLIC_KEY)
    key.create()
    key.load()
    droplet = digitalocean.Droplet(
        token=TOKEN, name="web-1", region="fra1", image="flatcar-stable", size_slug="s-2vcpu-4gb",
        ssh_keys=[key.fingerprint], tags=["blue"], user_data="#cloud-config\n",
    )  # fmt: skip
    droplet.create()
    action = droplet.get_actions()[0]
    assert action.wait(update_every_seconds=0.05)
    droplet.load()
    assert (droplet.status, droplet.tags) == ("active", ["blue"])
    assert droplet.ip_address.startswith("198.19.")
    assert droplet.private_ip_address.startswith("10.135.")
    droplet.power_off()
    assert eventually(lambda: droplet.load().status == "off")
    tag = digitalocean.Tag(token=TOKEN, name="green")
    tag.create()
    tag.add_droplets([droplet.id])
    assert [found.name for found in manager.get_all_droplets(tag_name="green")] == ["web-1"]
    tag.remove_droplets([droplet.id])
    tag.delete()
    assert droplet.destroy()
    eventually(lambda: manager.get_all_droplets() == [])
    key.destroy()
    assert manager.get_all_sshkeys() == []


@pytest.mark.usefixtures("_end_point")
def test_python_digitalocean_reads_every_page() -> None:
    for batch in range(2):
        names = [f"web-{batch}-{i}" for i in range(10)]
        digitalocean.Droplet.create_multiple(
            token=TOKEN, names=names, region="fra1", image="debian-13-x64", size_slug="s-1vcpu-1gb", tags=["blue"]
        )
    manager = digitalocean.Manager(token=TOKEN)
    assert len(manager.get_all_droplets(params={"per_page": 7})) == 20


@pytest.mark.usefixtures("_end_point")
def test_python_digitalocean_reports_errors_in_words() -> None:
    with pytest.raises(digitalocean.DataReadError, match="Unable to authenticate you"):
        digitalocean.Manager(token="wrong").get_account()
    with pytest.raises(digitalocean.NotFoundError):
        digitalocean.Manager(token=TOKEN).get_droplet(1)
    droplet = digitalocean.Droplet(token=TOKEN, name="web-1", region="fra1", image="debian-13-x64", size_slug="huge")
    with pytest.raises(digitalocean.DataReadError, match="invalid size"):
        droplet.create()


@pytest.fixture
def tls_end_point(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same API over TLS: pydo sends no token without it."""
    certificate, key = tmp_path / "api.crt", tmp_path / "api.key"
    make_certificate(certificate, key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(cloud.app, ssl_certfile=certificate, ssl_keyfile=key) as port:
        yield f"https://127.0.0.1:{port}"


def test_pydo_lives_a_whole_life(cloud: Cloud, tls_end_point: str) -> None:
    client = Client(token=TOKEN, endpoint=tls_end_point)
    key = client.ssh_keys.create(body={"name": "ops", "public_key": PUBLIC_KEY})["ssh_key"]
    order = cloud.order("web-1", "web-2", ssh_keys=[key["id"]], image="flatcar-stable", tags=["blue"])
    answer = client.droplets.create(body=order)
    for link in answer["links"]["actions"]:
        eventually(lambda number=link["id"]: client.actions.get(number)["action"]["status"] == "completed")  # type: ignore[misc]
    droplets = client.droplets.list(tag_name="blue")["droplets"]
    assert [droplet["status"] for droplet in droplets] == ["active", "active"]
    action = client.droplet_actions.post(droplets[0]["id"], body={"type": "reboot"})["action"]
    eventually(lambda: client.droplet_actions.get(droplets[0]["id"], action["id"])["action"]["status"] == "completed")
    assert client.tags.get("blue")["tag"]["resources"]["droplets"]["count"] == 2
    assert client.vpcs.list()["vpcs"][0]["default"]
    client.droplets.destroy_by_tag(tag_name="blue")
    eventually(lambda: client.droplets.list()["meta"]["total"] == 0)
    client.ssh_keys.delete(key["fingerprint"])


def test_pydo_sees_the_text_of_an_error(cloud: Cloud, tls_end_point: str) -> None:
    client = Client(token=TOKEN, endpoint=tls_end_point)
    with pytest.raises(HttpResponseError, match="Only valid hostname characters"):
        client.droplets.create(body=cloud.order("a_b"))
