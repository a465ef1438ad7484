"""What a provider tells about somebody who has just logged in."""

import httpx2

from sessioncore_io.oidc import Landed, RelyingParty
from sessioncore_io.oidc.transport import client_options


async def name_of(party: RelyingParty, landed: Landed) -> str:
    """Ask for a name (OpenID Connect Core 1.0, 5.3); an answer about somebody else counts as none."""
    address = await party.provider.endpoint("userinfo_endpoint")
    async with httpx2.AsyncClient(**client_options(party.provider.transport)) as client:
        answer = await client.get(address, headers={"authorization": f"Bearer {landed.access_token}"})
    said = answer.json() if answer.status_code == 200 else {}
    return str(said.get("name", "")) if said.get("sub") == landed.claims["sub"] else ""
