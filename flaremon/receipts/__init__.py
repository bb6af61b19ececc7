"""Where one answer comes from, and the same number once more.

==========  =======================================================
finding     what people write for a record, to its key
parts       record, answer and outcome as plain JSON values
receipt     from the database to a receipt: plain JSON, hashed
reading     a receipt from a file, checked, and the record in it
check       one thing that a receipt says, and what was found
numbers     the numbers of one answer, compared
folder      files that were scored from a folder, found again
checking    file, weights and frame, and the numbers computed again
words       a receipt and its checks for people
==========  =======================================================

A receipt holds all that it takes to compute its numbers again: the record with its keywords
(the JSOC's file has none), the hash of the file, the frame, the hash of the weights, the document
of the calibrator. So it can be checked by somebody who has no access to our database.
"""

from flaremon.receipts.check import TOLERANCE, Check, CheckState
from flaremon.receipts.checking import Workshop, check_receipt
from flaremon.receipts.finding import find_key
from flaremon.receipts.reading import read_receipt
from flaremon.receipts.receipt import FORMAT, make_receipt
from flaremon.receipts.words import checks_in_words, in_words

__all__ = [
    "FORMAT",
    "TOLERANCE",
    "Check",
    "CheckState",
    "Workshop",
    "check_receipt",
    "checks_in_words",
    "find_key",
    "in_words",
    "make_receipt",
    "read_receipt",
]
