class PeopleRouter:
    """Sends people, their sessions and the assistant to the database `people`."""

    apps = {"admin", "auth", "contenttypes", "people", "sessions", "streams"}

    def db_for_read(self, model, **hints):
        return "people" if model._meta.app_label in self.apps else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "people") == (app_label in self.apps)
