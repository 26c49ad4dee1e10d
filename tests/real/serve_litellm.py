"""A LiteLLM proxy that keeps what is changed over its API: `serve_litellm.py PORT`, with CONFIG_FILE_PATH.

It keeps that by Prisma, whose engine is no Python package. So one table of the database, the only one that fallbacks
are kept in, is in memory here; all else is the proxy's own. `POST /look-again` is what it does by itself now and then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import litellm.proxy.proxy_server as proxy
import uvicorn


class Table:
    """What it calls LiteLLM_Config: settings by name."""

    def __init__(self) -> None:
        self.rows: dict[str, SimpleNamespace] = {}

    async def find_first(self, *, where: Mapping[str, str]) -> SimpleNamespace | None:
        return self.rows.get(where["param_name"])

    async def find_many(self, **_which: Any) -> list[SimpleNamespace]:
        return [*self.rows.values()]

    async def upsert(self, *, where: Mapping[str, str], data: Mapping[str, Mapping[str, str]]) -> None:
        name = where["param_name"]
        self.rows[name] = SimpleNamespace(param_name=name, param_value=json.loads(data["update"]["param_value"]))


class Database:
    """What it takes for its client of Prisma."""

    def __init__(self) -> None:
        self.db = SimpleNamespace(litellm_config=Table())

    async def get_generic_data(self, *, key: str, value: str, table_name: str) -> SimpleNamespace | None:
        assert (key, table_name) == ("param_name", "config")
        return await self.db.litellm_config.find_first(where={key: value})


database = Database()
begun = proxy.app.router.lifespan_context


@asynccontextmanager
async def kept(app: Any) -> AsyncIterator[Any]:
    async with begun(app) as state:
        proxy.prisma_client, proxy.store_model_in_db = database, True
        yield state


@proxy.app.post("/look-again")
async def look_again() -> Any:
    await proxy.proxy_config._add_router_settings_from_db_config(proxy.llm_router, database)
    return proxy.llm_router.fallbacks


proxy.app.router.lifespan_context = kept
uvicorn.run(proxy.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
