"""What alembic runs: the upgrade, on the connection and in the transaction it is handed.

`flaremon.database.upgrade` holds the lock and commits, so that a process that dies on the way
leaves the database as it was, on SQLite too.
"""

from alembic import context

from flaremon.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most things in place; batches copy the table instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
