"""A JSOC on loopback: serves a folder of HMI FITS files as DRMS series, faults included.

Made for three uses: our tests, the off-line demo, and replaying an archive on disk through
exactly the live path. It answers as the JSOC does, so that the unmodified drms client cannot tell
the difference for the calls that flaremon makes.

==============  ==================================================================================
blocks          FITS files as blocks; no image is ever decoded
keywords        FITS cards to DRMS keywords and back to text
dating          one record under a new date
records         one record, and what a series' records share
archive         a folder as series of records
redating        an archive moved in time
recordset       the grammar of record sets
conditions      what conditions are made of
where           conditions in ``[? ... ?]``
selection       which records a record set means
faults          what can be made to go wrong
fault_data      faults in records and replies
fault_wire      faults in HTTP
replies         JSON, files and pages
files           a record's file without and with its keywords
hourly          the tree under ``/data/hmi/fits``
info            what ``jsoc_info`` answers
structure       what ``series_struct`` answers
orders          what an export request asks for
products        the files that it makes
export_replies  what the export desk says
exports         requests and their states
filing          where the files are
routes          from a path to an answer
calls           the log of requests
server          HTTP
service         `Replica`, a context manager
==============  ==================================================================================
"""

from flaremon.replica.faults import KINDS, Fault
from flaremon.replica.service import Replica

__all__ = ["KINDS", "Fault", "Replica"]
