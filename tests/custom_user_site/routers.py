class People:
    """The site's stock is in `default`, and everything that is about somebody in `people`."""

    def db_for_read(self, model, **hints):
        return "default" if model._meta.model_name == "stock" else "people"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (db == "default") == (model_name == "stock")
