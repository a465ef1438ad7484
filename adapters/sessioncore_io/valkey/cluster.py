"""The wires to the servers of a cluster."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from .place import Address, Place
from .route import PAUSE, Cluster, Step
from .scripts import Command
from .talk import aconverse, converse
from .wire import AsyncWire, Wire


class ClusterWire:
    """Reach the servers of a cluster."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.cluster = Cluster(place.hosts)
        self._wires: dict[Address, Wire] = {}
        self.at(place.hosts[0])  # which looks at the options

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send each command where its keys are."""
        return converse(self.cluster.route(commands), self.step)

    def step(self, step: Step) -> list[Any]:
        """Send a batch to one server, or wait."""
        address, commands = step
        if address is None:
            time.sleep(PAUSE)
            return []
        return self.at(address).send(commands)

    def each(self) -> list[Any]:
        """Give what sends to each server that holds keys."""
        return [self.at(address).send for address in converse(self.cluster.primaries(), self.step)]

    def connected(self) -> Any:
        """Open a connection to any server: each hears what is published at the others."""
        address, *_ = converse(self.cluster.primaries(), self.step)
        return self.at(address).connected()

    def at(self, address: Address) -> Wire:
        """Give the wire to one server."""
        if address not in self._wires:
            self._wires[address] = Wire(self._place, address)
        return self._wires[address]

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for wire in self._wires.values():
            wire.close()


class AsyncClusterWire:
    """Reach the servers of a cluster from one event loop."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.cluster = Cluster(place.hosts)
        self._wires: dict[Address, AsyncWire] = {}

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send each command where its keys are."""
        return await aconverse(self.cluster.route(commands), self.step)

    async def step(self, step: Step) -> list[Any]:
        """Send a batch to one server, or wait."""
        address, commands = step
        if address is None:
            await asyncio.sleep(PAUSE)
            return []
        return await self.at(address).send(commands)

    async def each(self) -> list[Any]:
        """Give what sends to each server that holds keys."""
        return [self.at(address).send for address in await aconverse(self.cluster.primaries(), self.step)]

    async def connected(self) -> Any:
        """Open a connection to any server: each hears what is published at the others."""
        address, *_ = await aconverse(self.cluster.primaries(), self.step)
        return await self.at(address).connected()

    def at(self, address: Address) -> AsyncWire:
        """Give the wire to one server."""
        if address not in self._wires:
            self._wires[address] = AsyncWire(self._place, address)
        return self._wires[address]

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        for wire in self._wires.values():
            await wire.close()
