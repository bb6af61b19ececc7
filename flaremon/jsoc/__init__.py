"""Find and download records of the JSOC; its failures become ours.

Only this room knows drms, and only `wire` and `client` in it; drms is imported with the first
query, not before.

==========  =======================================================
keywords    keyword strings as the JSOC writes them, parsed strictly
listing     rows of a reply to records, one per slot
wire        drms on our transport, and what its errors mean
client      queries and export requests through drms
answers     what the status of an export request means
download    a file into the cache, whole or not at all
export      export requests, for records that are not on disk
source      `Jsoc`, which puts them together
==========  =======================================================
"""

from flaremon.jsoc.source import Jsoc

__all__ = ["Jsoc"]
