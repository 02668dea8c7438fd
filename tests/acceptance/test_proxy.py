"""Behind a real nginx with the lines of docs/production/nginx.conf, below a path."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from django.conf import settings

from tests.factories import PASSWORD
from tests.processes import Process, Web, debian_program, eventually, free_port

pytestmark = pytest.mark.django_db(transaction=True)

PREFIX = "/chat"
# How the site hears of its prefix, and whether the proxy takes it off.
APPS = ("uvicorn --root-path", "gunicorn, FORCE_SCRIPT_NAME")
WAYS = [(app, strips) for app in APPS for strips in (False, True)]


@pytest.fixture(scope="module")
def sites(django_db_setup, django_db_blocker, tmp_path_factory, static_root):
    """The address of each way, all of one nginx and two servers."""
    program = debian_program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    with django_db_blocker.unblock(), ExitStack() as stack:
        known = production(static_root)
        ports = {}
        for app, start in zip(APPS, (uvicorn, gunicorn), strict=True):
            process, ports[app] = start(**known)
            stack.callback(process.stop)
        servers, found = [], {}
        for app, strips in WAYS:
            port = free_port()
            servers.append(server(ports[app], port, strips, certificate, key))
            found[app, strips] = f"https://localhost:{port}{PREFIX}/"
        config = folder / "nginx.conf"
        config.write_text(MAIN.format(folder=folder, servers="".join(servers)))
        nginx = subprocess.Popen([program, "-c", config, "-g", "daemon off;", "-e", "stderr"])
        stack.callback(nginx.wait, 10)
        stack.callback(nginx.terminate)
        eventually(lambda: all(map(answers, found.values())))
        yield found


MAIN = """
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


def server(upstream, port, strips, certificate, key):
    """The documented lines, with other names, ports and files, below a path."""
    text = (settings.BASE_DIR / "docs/production/nginx.conf").read_text()
    for there, here in (
        (r"server unix:\S+;", f"server 127.0.0.1:{upstream};"),
        (r"chatstream {", f"app{port} {{"),
        (r"http://chatstream;", f"http://app{port}{'/' if strips else ''};"),
        (r"(?s)server {\s+listen 80;.*?\n}\n", ""),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"chat\.example\.com;", "localhost;"),
        (r"ssl_certificate \S+;", f"ssl_certificate {certificate};"),
        (r"ssl_certificate_key \S+;", f"ssl_certificate_key {key};"),
        (r"location / {", f"location {PREFIX}/ {{"),
    ):
        text, count = re.subn(there, here, text)
        assert count == 1, there
    return text


def production(static):
    """The environment of a deployment whose static files are collected in `static`."""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings_collected",
        "COLLECTED": str(static),
        "HTTPS": "1",
        "BEHIND_PROXY": "1",
        "ALLOWED_HOSTS": "localhost",
    }


def uvicorn(**known):
    web = Web("0", "--root-path", PREFIX, **known)
    return web, web.url.rpartition(":")[2]


def gunicorn(**known):
    process = Process(
        *("-m", "gunicorn", "chatstream.asgi:application", "--bind", "127.0.0.1:0"),
        *("--worker-class", "uvicorn_worker.UvicornWorker", "--graceful-timeout", "5"),
        **known,
        FORCE_SCRIPT_NAME=PREFIX,
    )
    return process, process.wait_for(r"Listening at: http://127.0.0.1:(\d+)")[1]


def answers(site):
    try:
        return httpx.get(f"{site}healthz", verify=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def browser():
    with httpx.Client(verify=False, follow_redirects=True, trust_env=False, timeout=20) as http:
        yield http


@pytest.mark.parametrize(("app", "strips"), WAYS)
def test_below_a_path_all_of_it_works(sites, browser, anna, app, strips, settled):
    site = sites[app, strips]
    browser.headers["Referer"] = site

    # A stranger is sent to the sign-in, which knows the way back.
    page = browser.get(f"{site}devices/")
    assert page.url.path == f"{PREFIX}/sign-in/"
    assert parse_qs(page.url.query.decode())["next"] == [f"{PREFIX}/devices/"]
    files = links(page, "static/")
    assert files
    page = browser.post(page.url, data=filled(page, username="anna", password=PASSWORD))
    assert page.url == f"{site}devices/"

    page = browser.get(site)
    assert page.url.path == f"{PREFIX}/c/"
    assert strangers(page) == []
    files |= links(page, "static/")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    begun = browser.post(
        f"{site}c/", json={"content": "Hello"}, headers=headers | {"Accept": "application/json"}
    )
    assert begun.status_code == 201, begun.text
    place = begun.json()["url"]
    assert place.startswith(f"{PREFIX}/c/")
    page = browser.get(urljoin(site, place))
    assert page.status_code == 200
    assert strangers(page) == []
    files |= links(page, "static/")
    for file in files:
        answer = browser.get(urljoin(site, file))
        assert (answer.status_code, answer.url.path) == (200, file)
        assert "immutable" in answer.headers["Cache-Control"], file

    streams = {urljoin(site, place) + "events": "run.queued", f"{site}c/events": "feed"}
    for stream, event in streams.items():
        with browser.stream("GET", stream) as response:
            assert response.status_code == 200
            assert f"event: {event}" in response.iter_lines()
    told = browser.post(urljoin(site, place) + "presence", json={}, headers=headers)
    assert told.status_code == 204
    assert browser.get(f"{site}admin/").url.path == f"{PREFIX}/admin/login/"
    gone = browser.post(f"{site}sign-out/", headers=headers)
    assert gone.url.path == f"{PREFIX}/sign-in/"


def test_pages_and_streams_come_over_http2(sites):
    version = subprocess.run(
        ["curl", "-ksSo/dev/null", "--http2", "-w%{http_version}", f"{sites[WAYS[0]]}sign-in/"],
        capture_output=True,
        text=True,
    )
    assert version.stdout == "2", version.stderr


def addresses(page):
    """All that the page names, in any attribute."""
    named = re.findall(r'\s(?:href|src|action|data-[a-z-]+|content)="(/[^"#]*)', page.text)
    named += re.findall(r'"(/[^"\s]+\.js)"', page.text)  # the import map
    return {urlsplit(each).path for each in named}


def links(page, below):
    return {each for each in addresses(page) if each.startswith(f"{PREFIX}/{below}")}


def strangers(page):
    return sorted(each for each in addresses(page) if not each.startswith(f"{PREFIX}/"))


def filled(page, **fields):
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    found = re.findall(r'name="next" value="([^"]*)"', page.text)
    return fields | {"csrfmiddlewaretoken": token} | ({"next": found[0]} if found else {})
