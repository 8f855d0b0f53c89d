"""Who the tests call as, where no certificate is asked for."""

from __future__ import annotations

from appliance.dimse.client.ourselves import Ourselves

OURSELVES = Ourselves("PACSBOX")
