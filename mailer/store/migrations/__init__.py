"""The schema's history, run by Alembic from `mailer.store.upgrade`."""
