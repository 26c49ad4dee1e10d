"""A stand-in for an MLflow registry, that answers about versions and aliases as 3.17.2 was seen to."""

from __future__ import annotations

import re
from typing import Any

API = "/api/2.0/mlflow"
FILTER = re.compile(r"name=(?P<quote>['\"])(?P<name>.+)(?P=quote) AND version_number (?P<sign>[<=]) (?P<number>\d+)")


class Registry:
    """One model, `fraud`, and no kindness towards what it was not asked for in its own words."""

    def __init__(self, name: str = "fraud") -> None:
        self.name = name
        self.status = {"1": "READY", "2": "READY", "9": "FAILED_REGISTRATION", "10": "READY", "11": "READY"}
        self.aliases = {"champion": "10", "challenger": "11"}
        self.tags: dict[str, str] = {}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        what = path.removeprefix(f"{API}/")
        name = (body or query).get("name")
        if what != "model-versions/search" and name != self.name:
            words = f"Registered Model with name={name} not found"
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": words}
        match method, what:
            case "GET", "registered-models/get":
                aliases = [{"alias": alias, "version": version} for alias, version in self.aliases.items()]
                tags = [{"key": key, "value": value} for key, value in self.tags.items()]
                found = {"name": name, **({"aliases": aliases} if aliases else {}), **({"tags": tags} if tags else {})}
                return 200, {"registered_model": found}
            case "GET", "model-versions/search":
                return 200, self._found(query)
            case "POST", "registered-models/set-tag":
                assert set(body) == {"name", "key", "value"}
                self.tags[body["key"]] = body["value"]
            case "POST", "registered-models/alias":
                assert set(body) == {"name", "alias", "version"}
                if body["version"] not in self.status:
                    return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Model Version not found"}
                self.aliases[body["alias"]] = body["version"]
            case _:
                return 404, "no such path"
        return 200, {}

    def _found(self, query: dict[str, str]) -> dict[str, Any]:
        asked = FILTER.fullmatch(query["filter"])
        assert asked is not None and asked["quote"] not in asked["name"]
        assert query["order_by"] == "version_number DESC" and int(query["max_results"]) <= 200
        number = int(asked["number"])
        fits = [each for each in self.status if (int(each) < number if asked["sign"] == "<" else int(each) == number)]
        if asked["name"] != self.name or not fits:
            return {}  # so it says that there is nothing
        newest = sorted(fits, key=int, reverse=True)
        return {"model_versions": [{"name": self.name, "version": v, "status": self.status[v]} for v in newest]}
