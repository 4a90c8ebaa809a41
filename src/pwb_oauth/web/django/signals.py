"""What other parts of a site can listen to.

``signed_in`` is sent with ``request``, ``user`` (of Django) and ``user_session`` (on the wiki).
``signed_out`` is sent with ``request`` and ``row_id``, when a user session ended: by a logout here
or elsewhere, or because it could not be opened any more. Django's own signals are sent as well.
"""

from __future__ import annotations

from django.dispatch import Signal

signed_in = Signal()
signed_out = Signal()
