"""What every process of ours imports and no setting has a say in: a second and a half of a core a
process.

`tests.processes` lets a server import it once, and forks the others from there.
"""

from __future__ import annotations

import gc

import aiohttp
import asgiref.sync
import django.contrib.admin.options
import django.contrib.auth.hashers
import django.contrib.messages.middleware
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.sessions.middleware
import django.contrib.staticfiles.finders
import django.core.cache.backends.locmem
import django.core.handlers.asgi
import django.core.management
import django.db.backends.postgresql.base
import django.db.migrations.executor
import django.db.models
import django.forms
import django.http
import django.middleware.csrf
import django.middleware.locale
import django.template.defaulttags
import django.template.loader
import django.template.loader_tags
import django.templatetags.i18n
import django.urls
import django.views.generic
import environ
import httptools
import httpx
import latex2mathml.converter
import markdown_it
import nh3
import orjson
import psycopg
import psycopg_pool
import pydantic
import pygments.formatters.html
import pygments.lexers
import segno
import stamina
import tqdm
import user_agents
import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.main
import uvicorn.protocols.http.httptools_impl
import uvloop
import whitenoise.middleware
import whitenoise.storage
from django.conf import settings

import streams.agents
import streams.asgi
import streams.conversation_list_query
import streams.log.appending
import streams.log.run_page
import streams.markdown
import streams.postgres.listener
import streams.providers.http_client
import streams.realtime.presence
import streams.worker.commit_recovery
import streams.worker.notifications.notice

assert not settings.configured, "What reads settings is a process's own to import."
gc.collect()
gc.freeze()  # or each process would look through all of it for garbage, and copy it
