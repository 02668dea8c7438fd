"""What clients of other protocols post, without a server."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from streams.models import Device


@pytest.fixture
def v1(anna):
    client = Client(headers={"Authorization": f"Bearer {Device.issue_token(anna.pk, 'S')[1]}"})

    def post(path, status=200, **body):
        answer = client.post(f"/v1/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    post.client = client
    return post
