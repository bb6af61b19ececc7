"""HTTP to one host, with wall-clock limits that hold and errors that are ours.

==========  =======================================================
exchange    one request on a thread of its own
reply       statuses, sizes, bodies as they arrive
client      requests and redirects
==========  =======================================================
"""

from flaremon.web.client import MAX_REDIRECTS, Web
from flaremon.web.reply import Reply, excerpt

__all__ = ["MAX_REDIRECTS", "Reply", "Web", "excerpt"]
