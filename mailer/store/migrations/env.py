"""Alembic's environment: runs the migrations on the connection that `upgrade` hands over."""

from alembic import context

from mailer.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
