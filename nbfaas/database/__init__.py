"""What every file of SQLite here needs: opening and migrating it, its statements, and telling the
user what is wrong with it. What is in a file, and who may use it when, is its owner's business.

apsw is imported inside functions, because these modules are imported together with nbfaas.
"""

from nbfaas.database.damage import close_untouched, set_aside
from nbfaas.database.opening import (
    FileKind,
    make_folder,
    make_private,
    migrate,
    open_reader,
    open_writer,
)
from nbfaas.database.reading import Connections
from nbfaas.database.statements import Statements
from nbfaas.database.transaction import Connection, transaction, value
from nbfaas.database.trouble import FIX_FOLDER, BadFile, Trouble, explained, is_damage, trouble_of

__all__ = [
    "FIX_FOLDER",
    "BadFile",
    "Connection",
    "Connections",
    "FileKind",
    "Statements",
    "Trouble",
    "close_untouched",
    "explained",
    "is_damage",
    "make_folder",
    "make_private",
    "migrate",
    "open_reader",
    "open_writer",
    "set_aside",
    "transaction",
    "trouble_of",
    "value",
]
