"""Where ``context.state`` is kept: one SQLite file, used by several processes at once."""

from nbfaas.state.request import BadRequest as BadRequest
from nbfaas.state.request import Request as Request
from nbfaas.state.request import read_request as read_request
from nbfaas.state.request import request_of as request_of
from nbfaas.state.store import StateStore as StateStore
