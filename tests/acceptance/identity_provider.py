"""An OpenID Connect provider for tests that signs in whichever person it was told to."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

CLIENT, SECRET = "chatstream", "an identity provider's secret"


class Handler(BaseHTTPRequestHandler):
    server: IdentityProvider

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/.well-known/openid-configuration":
            self.tell(self.server.configuration)
        elif place.path == "/authorize":
            self.server.asked.append(asked)
            code = {"error": "access_denied"} if self.server.refuses else {"code": "once"}
            self.send_response(302)
            back = urlencode({**code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.tell(self.server.person)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.exchanged.append({name: values[0] for name, values in form.items()})
        now = int(time.time())
        claims = {"iss": self.server.url, "aud": CLIENT, "iat": now, "exp": now + 60}
        token = jwt.encode(claims | self.server.person, "k" * 32, algorithm="HS256")
        self.tell({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def tell(self, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the tests ask `asked` and `exchanged`."""


class IdentityProvider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.person: dict[str, Any] = {}
        self.refuses = False
        self.asked: list[dict[str, str]] = []
        self.exchanged: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.configuration = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/person",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        threading.Thread(target=self.serve_forever, daemon=True).start()
