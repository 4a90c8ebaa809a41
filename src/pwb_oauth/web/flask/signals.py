"""What other parts of an application can listen to; the sender is the application.

``signed_in`` is sent with ``user_session``. ``signed_out`` is sent with ``row_id``, when a user
session ended: by a logout, or because it could not be opened any more.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

signed_in = _signals.signal("signed-in")
signed_out = _signals.signal("signed-out")
