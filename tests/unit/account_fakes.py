# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DigitalOcean account in memory behind a real HTTP server on loopback, with faults on demand and a clock of its own.

The answers have the shapes of the live API (an empty `networks` and no `vpc_uuid` after a create, relative hrefs,
string ids in tag resources); what differs from the schema is said where it is made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "dop_v1_0123456789abcdef"


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.t = 1000.0
        self.slept: list[float] = []

    def now_s(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.t += seconds


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def error(status: int, code: str, message: object, **headers: str) -> Answer:
    return Answer(status, {"id": code, "message": message}, {k.replace("_", "-"): v for k, v in headers.items()})


def image(image_id: int, name: str, **more: Any) -> dict[str, Any]:
    """Return a custom image, available in fra1 unless told otherwise; custom images have no slug."""
    usual = {"slug": None, "public": False, "status": "available", "regions": ["fra1"], "created_at": "2026-10-01"}
    return {"id": image_id, "name": name, **usual, **more}


@dataclass
class Fault:
    """Takes the place of the answer to matching requests; `after_effect` lets the request do its work first."""

    method: str
    path: str
    answer: Answer
    times: int = 1
    after_effect: bool = False


class StubServer:
    """Answers what `respond` says, and keeps what was asked."""

    def __init__(self, respond: Callable[[Request], Answer]) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body in one packet, else each answer waits 40 ms for an acknowledgement.
            wbufsize = 65536

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = Request(
                    self.command,
                    parts.path,
                    {key: values[0] for key, values in parse_qs(parts.query).items()},
                    json.loads(body) if body else {},
                    {key.lower(): value for key, value in self.headers.items()},
                )
                outer.requests.append(request)
                answer = outer.respond(request)
                if answer.drop:
                    self.close_connection = True
                    return
                payload = answer.encoded()
                self.send_response(answer.status)
                self.send_header("content-length", str(len(payload)))
                for key, value in {"x-request-id": "5f0c-request", **answer.headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815  # the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @contextmanager
    def running(self) -> Iterator[StubServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def asked(self, method: str = "", path: str = "") -> list[Request]:
        """Return the requests of that method and that path, a regular expression."""
        return [r for r in self.requests if r.method == (method or r.method) and re.search(path, r.path)]


def md5_fingerprint(public_key: str) -> str:
    digest = hashlib.md5(base64.b64decode(public_key.split()[1])).hexdigest()
    return ":".join(re.findall("..", digest))


class FakeAccount:
    """What the API does with an account, as far as this collection goes."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.limit = 25
        self.status = "active"
        self.active_after_s = 2.0
        self.gone_after_s = 2.0
        self.list_lag_s = 0.0
        self.errored_names: set[str] = set()
        self.private_first = False
        self.page_size = 200
        self.droplets: dict[int, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, int]] = {}
        self.keys: dict[int, dict[str, Any]] = {}
        self.images: list[dict[str, Any]] = [
            image(7, "Debian 13", slug="debian-13-x64", public=True, regions=[]),
            image(63663980, "flatcar"),
        ]
        self.regions: list[dict[str, Any]] = [
            {"slug": "fra1", "name": "Frankfurt 1", "available": True, "sizes": ["s-2vcpu-2gb", "s-2vcpu-4gb"]},
            {"slug": "nyc1", "name": "New York 1", "available": True, "sizes": ["s-2vcpu-2gb", "c-2"]},
            {"slug": "sfo1", "name": "San Francisco 1", "available": False, "sizes": []},
        ]
        self.sizes = [
            {"slug": slug, "available": slug != "s-8vcpu-16gb", "vcpus": 2, "memory": 2048}
            for slug in ("s-2vcpu-2gb", "s-2vcpu-4gb", "c-2", "s-8vcpu-16gb")
        ]
        self.faults: list[Fault] = []
        self._next_id = 51230000

    def add_fault(self, method: str, path: str, answer: Answer, times: int = 1, *, after_effect: bool = False) -> None:
        self.faults.append(Fault(method, path, answer, times, after_effect))

    def __call__(self, request: Request) -> Answer:
        with self.lock:
            fault = self._fault(request)
            if fault and not fault.after_effect:
                return fault.answer
            answer = self._route(request)
            return fault.answer if fault else answer

    def _fault(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method == request.method and re.fullmatch(fault.path, request.path):
                fault.times -= 1
                return fault
        return None

    def _route(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "unauthorized", "Unable to authenticate you.")
        for method, pattern, handle in self._routes():
            match = re.fullmatch(pattern, request.path.rstrip("/"))
            if match and method == request.method:
                return handle(request, *match.groups())
        return error(404, "not_found", "The resource you were accessing could not be found.")

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        return [
            (
                "GET",
                "/v2/account",
                lambda _: Answer(body={"account": {"status": self.status, "droplet_limit": self.limit}}),
            ),
            ("GET", "/v2/account/keys/(.+)", self._get_key),
            ("POST", "/v2/account/keys", self._post_key),
            ("DELETE", "/v2/account/keys/(.+)", self._delete_key),
            ("GET", "/v2/regions", lambda r: self._page(r, "regions", self.regions)),
            ("GET", "/v2/sizes", lambda r: self._page(r, "sizes", self.sizes)),
            ("GET", "/v2/images", self._list_images),
            ("GET", "/v2/images/(.+)", self._get_image),
            ("GET", "/v2/tags", lambda r: self._page(r, "tags", [self._tag(t) for t in sorted(self.tags)])),
            ("POST", "/v2/tags", self._post_tag),
            ("GET", "/v2/tags/([^/]+)", self._get_tag),
            ("DELETE", "/v2/tags/([^/]+)", self._delete_tag),
            ("POST", "/v2/tags/([^/]+)/resources", self._tag_resources),
            ("DELETE", "/v2/tags/([^/]+)/resources", self._tag_resources),
            ("GET", "/v2/droplets", self._list_droplets),
            ("POST", "/v2/droplets", self._post_droplets),
            ("GET", "/v2/droplets/([0-9]+)", self._get_droplet),
            ("DELETE", "/v2/droplets/([0-9]+)", self._delete_droplet),
            ("GET", "/v2/droplets/([0-9]+)/actions", self._list_actions),
            ("POST", "/v2/droplets/([0-9]+)/actions", self._post_action),
            ("GET", "/v2/actions/([0-9]+)", self._get_action),
        ]

    def _page(self, request: Request, key: str, items: list[Any]) -> Answer:
        page, size = int(request.query.get("page", 1)), min(int(request.query.get("per_page", 20)), self.page_size)
        start = (page - 1) * size
        links: dict[str, Any] = {}
        if start + size < len(items):
            links = {"pages": {"next": f"https://api.digitalocean.com{request.path}?page={page + 1}"}}
        return Answer(body={key: items[start : start + size], "links": links, "meta": {"total": len(items)}})

    def _get_key(self, _: Request, which: str) -> Answer:
        for key in self.keys.values():
            if which in (str(key["id"]), key["fingerprint"]):
                return Answer(body={"ssh_key": key})
        return error(404, "not_found", "The resource you were accessing could not be found.")

    def _post_key(self, request: Request) -> Answer:
        mark = md5_fingerprint(request.body["public_key"])
        if any(key["fingerprint"] == mark for key in self.keys.values()):
            return error(422, "unprocessable_entity", "SSH Key is already in use on your account")
        key: dict[str, Any] = {"id": self._new_id(), "fingerprint": mark, **request.body}
        self.keys[key["id"]] = key
        return Answer(201, {"ssh_key": key})

    def _delete_key(self, _: Request, which: str) -> Answer:
        return Answer(204) if self.keys.pop(int(which), None) else error(404, "not_found", "gone")

    def _list_images(self, request: Request) -> Answer:
        wanted = request.query.get("private") != "true"
        return self._page(request, "images", [image for image in self.images if image["public"] is wanted])

    def _get_image(self, _: Request, which: str) -> Answer:
        for image in self.images:
            if which in (str(image["id"]), image["slug"]):
                return Answer(body={"image": image})
        return error(404, "not_found", "The resource you were accessing could not be found.")

    def _tag(self, name: str) -> dict[str, Any]:
        held = {kind: {"count": count} for kind, count in self.tags[name].items()}
        count = sum(name in droplet["tags"] for droplet in self.droplets.values())
        return {"name": name, "resources": {"count": count, "droplets": {"count": count}, **held}}

    def _post_tag(self, request: Request) -> Answer:
        name = request.body["name"]
        if "." in name:
            # Seen live: tags have an error shape of their own.
            return Answer(400, {"error": "Bad Request", "messages": None, "root_causes": ["Tag name is invalid"]})
        self.tags.setdefault(name, {})
        return Answer(201, {"tag": self._tag(name)})

    def _get_tag(self, _: Request, name: str) -> Answer:
        return Answer(body={"tag": self._tag(name)}) if name in self.tags else error(404, "not_found", "Tag not found")

    def _delete_tag(self, _: Request, name: str) -> Answer:
        if self.tags.pop(name, None) is None:
            return error(404, "not_found", "Tag not found")
        for droplet in self.droplets.values():
            droplet["tags"] = [tag for tag in droplet["tags"] if tag != name]
        return Answer(204)

    def _tag_resources(self, request: Request, name: str) -> Answer:
        if name not in self.tags:
            return error(404, "not_found", "Tag not found")
        for resource in request.body["resources"]:
            assert isinstance(resource["resource_id"], str)
            droplet = self.droplets.get(int(resource["resource_id"]))
            if droplet:
                others = [tag for tag in droplet["tags"] if tag != name]
                droplet["tags"] = others + ([name] if request.method == "POST" else [])
        return Answer(204)

    def _list_droplets(self, request: Request) -> Answer:
        tag = request.query.get("tag_name")
        for droplet_id in list(self.droplets):
            self._age(droplet_id)
        seen = [d for d in self.droplets.values() if self.clock.t >= d["_at"] + self.list_lag_s]
        return self._page(request, "droplets", [self._shown(d) for d in seen if tag is None or tag in d["tags"]])

    def _post_droplets(self, request: Request) -> Answer:
        names = request.body.get("names") or [request.body["name"]]
        if len(names) > 10:
            return error(422, "unprocessable_entity", "cannot create more than 10 droplets at a time")
        if len(self.droplets) + len(names) > self.limit:
            return error(422, "unprocessable_entity", "creating this/these droplet(s) will exceed your droplet limit")
        made = [self.make_droplet(name, **request.body) for name in names]
        links = [{"id": d["_action"], "rel": "create", "href": f"/v2/actions/{d['_action']}"} for d in made]
        return Answer(202, {"droplets": [self._shown(d) for d in made], "links": {"actions": links}})

    def make_droplet(self, name: str, *, tags: list[str], **body: Any) -> dict[str, Any]:
        """Put a droplet into the account, as a create does."""
        droplet: dict[str, Any] = {"id": self._new_id(), "name": name, "status": "new", "tags": list(tags)}
        droplet |= {"_at": self.clock.t, "_gone_at": None, "_body": body, "_action": 3447070000 + self._next_id}
        for tag in tags:
            self.tags.setdefault(tag, {})
        self.droplets[droplet["id"]] = droplet
        return droplet

    def _age(self, droplet_id: int) -> dict[str, Any] | None:
        droplet = self.droplets.get(droplet_id)
        if droplet is None:
            return None
        if droplet["_gone_at"] is not None and self.clock.t >= droplet["_gone_at"]:
            return self.droplets.pop(droplet_id) and None
        is_due = self.clock.t >= droplet["_at"] + self.active_after_s
        if droplet["status"] == "new" and is_due and droplet["name"] not in self.errored_names:
            droplet["status"] = "active"
        return droplet

    def _shown(self, droplet: dict[str, Any]) -> dict[str, Any]:
        body = droplet["_body"]
        number = droplet["id"] - 51230000
        v4 = [
            {"ip_address": f"203.0.113.{number}", "type": "public", "gateway": "203.0.113.1"},
            {"ip_address": f"10.135.0.{number}", "type": "private", "gateway": ""},
        ]
        shown = {key: value for key, value in droplet.items() if not key.startswith("_")} | {
            "region": {"slug": body.get("region", "fra1")},
            "size_slug": body.get("size", "s-2vcpu-2gb"),
            "image": {"id": 63663980, "slug": None},
            "created_at": "2026-11-23T04:00:00Z",
            "networks": {},
        }
        if droplet["status"] == "active":
            shown["networks"] = {"v4": v4[::-1] if self.private_first else v4, "v6": []}
            shown["vpc_uuid"] = "760e09ef-dc84-11e8-981e-3cfdfeaae000"
        return shown

    def _get_droplet(self, _: Request, which: str) -> Answer:
        droplet = self._age(int(which))
        return Answer(body={"droplet": self._shown(droplet)}) if droplet else error(404, "not_found", "no droplet")

    def _delete_droplet(self, _: Request, which: str) -> Answer:
        droplet = self._age(int(which))
        if droplet is None:
            return error(404, "not_found", "no droplet")
        # Seen live: it stays for seconds, without its tags.
        droplet.update(tags=[], _gone_at=self.clock.t + self.gone_after_s)
        return Answer(204)

    def _action(self, droplet: dict[str, Any]) -> dict[str, Any]:
        is_bad = droplet["name"] in self.errored_names
        return {"id": droplet["_action"], "type": "create", "status": "errored" if is_bad else "completed"}

    def _list_actions(self, request: Request, which: str) -> Answer:
        return self._page(request, "actions", [self._action(self.droplets[int(which)])])

    def _post_action(self, request: Request, which: str) -> Answer:
        droplet = self.droplets[int(which)]
        assert request.body == {"type": "power_on"}
        droplet.update(status="new", _at=self.clock.t)
        return Answer(201, {"action": {"id": 1, "status": "in-progress"}})

    def _get_action(self, _: Request, which: str) -> Answer:
        for droplet in self.droplets.values():
            if droplet["_action"] == int(which):
                return Answer(body={"action": self._action(droplet)})
        return error(404, "not_found", "no action")

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id
