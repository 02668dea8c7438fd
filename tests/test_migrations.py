"""A database made by any earlier release, and one made today, are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState

from tests.migrating import another, migrate

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[1]
SQUASH = "0001_squashed_0033_continued_runs"
OLD_SQUASH = "0001_squashed_0016_deliveries"

# Each with whether the old squash is recorded: a migration that failed kept Django from that.
EARLIER = [
    ("0009_deaths", False),
    (OLD_SQUASH, True),
    ("0025_vendor_ids_of_any_length", False),
    ("0033_continued_runs", True),
    ("0033_continued_runs", False),
]

# Columns by name, since those that were added later stand behind the others.
SCHEMA = """
SELECT c.relname, 'column', a.attname || ' ' || format_type(a.atttypid, a.atttypmod),
       concat_ws(' ', a.attnotnull, a.attstorage, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relname LIKE 'streams%'
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT relname, 'table', '', reloptions::text
  FROM pg_class WHERE relkind = 'r' AND relname LIKE 'streams%'
UNION ALL SELECT tablename, 'index', indexname, indexdef
  FROM pg_indexes WHERE tablename LIKE 'streams%'
UNION ALL SELECT conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE conrelid::regclass::text LIKE 'streams%'
UNION ALL SELECT tgrelid::regclass::text, 'trigger', tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT '', 'function', proname, prosrc FROM pg_proc WHERE proname LIKE 'streams%'
"""

# Of which every release has had these columns.
KEPT = """
INSERT INTO streams_worker (uuid, name, concurrency, draining)
VALUES (gen_random_uuid(), 'amber', 1, false)
"""


def schema(there):
    with there.cursor() as cursor:
        cursor.execute(SCHEMA)
        return set(cursor.fetchall())


def test_a_new_database_takes_one_step():
    with another("new") as there:
        made = migrate(there)
        assert made[0] == SQUASH
        assert not {*MigrationLoader(None).disk_migrations[("streams", SQUASH)].replaces} & {
            ("streams", each) for each in made
        }
        assert schema(there) == schema(connection)


@pytest.mark.parametrize(("release", "recorded"), EARLIER)
def test_a_database_of_an_earlier_release_goes_on_to_be_as_a_new_one(release, recorded):
    with another("earlier") as there:
        migrate(there, step_by_step_to=release)
        recorder = MigrationRecorder(there)
        note = recorder.record_applied if recorded else recorder.record_unapplied
        note("streams", OLD_SQUASH)
        with there.cursor() as cursor:
            cursor.execute(KEPT)
        migrate(there)
        assert schema(there) == schema(connection)
        with there.cursor() as cursor:
            cursor.execute("SELECT name FROM streams_worker")
            assert cursor.fetchall() == [("amber",)]
        assert migrate(there) == []


def test_new_names_of_what_there_is_render_no_model(monkeypatch):
    """Each of 95 changes would render models anew, half of what a new database costs."""
    loader = MigrationLoader(None)
    state = loader.project_state(("streams", "0037_handed_back"))
    assert state.apps.get_model("streams", "Run")
    rendered = []
    monkeypatch.setattr(ModelState, "render", lambda model, apps: rendered.append(model.name))
    loader.graph.nodes["streams", "0038_labels"].mutate_state(state, preserve=False)
    assert rendered == []
    assert state.models["streams", "attempts"].options["verbose_name_plural"] == "attempts"


def test_nothing_that_is_replaced_replaces_anything():
    """Django before 6.0 carries replacements out in any order, and fails in some."""
    ours = {key: it for key, it in MigrationLoader(None).disk_migrations.items() if it.replaces}
    replaced = [each for it in ours.values() for each in it.replaces]
    assert len(replaced) == len({*replaced})
    assert not ours.keys() & {*replaced}


def test_the_readme_counts_the_migrations_of_a_new_database():
    # As `manage.py dev` counts them.
    made = len(MigrationLoader(None).graph.nodes)
    assert f"Migrations  {made} applied" in (ROOT / "README.md").read_text()
