"""A stand-in for a LiteLLM proxy with a database, that answers about fallbacks as 1.106 was seen to."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote


class Proxy:
    """Models, their fallbacks, where these come from; what it writes it writes into its database."""

    def __init__(self, rules: list[Any] | None = None) -> None:
        self.models = {"chat", "small", "haiku", "org/chat"}
        self.rules = rules
        self.source = "default" if rules is None else "db"
        self.has_database = True

    def answer(self, method: str, path: str, _query: dict[str, str], body: Any) -> tuple[int, Any]:
        what, _slash, model = path.removeprefix("/").partition("/")
        match method, what:
            case "GET", "router":
                values = {"fallbacks": self.rules, "routing_strategy": "simple-shuffle"}
                return 200, {"current_values": values, "source": {"fallbacks": self.source}, "fields": []}
            case "POST", "fallback":
                return self._written(body)
            case "DELETE", "fallback" if "/" not in unquote(model):  # its framework takes %2F apart
                if not any(model in rule for rule in self.rules or ()):
                    return 404, {"detail": {"error": f"No general fallbacks configured for model '{model}'"}}
                self.rules = [rule for rule in self.rules or () if model not in rule]
                return 200, {"model": model, "fallback_type": "general", "message": "deleted"}
        return 404, {"detail": "Not Found"}

    def _written(self, body: Any) -> tuple[int, Any]:
        assert set(body) == {"model", "fallback_models", "fallback_type"} and body["fallback_type"] == "general"
        model, to = body["model"], body["fallback_models"]
        if not to or any(not isinstance(each, str) for each in to):
            return 422, {"detail": [{"type": "too_short", "msg": "List should have at least 1 item"}]}
        if model not in self.models:
            return 404, {"detail": {"error": f"Model '{model}' not found in router"}}
        if unknown := [each for each in to if each not in self.models]:
            return 400, {"detail": {"error": f"Invalid fallback models: {unknown}"}}
        if not self.has_database:
            return 400, {"detail": {"error": "Database storage not enabled. Set 'STORE_MODEL_IN_DB=True'"}}
        others = [rule for rule in self.rules or () if model not in rule]
        self.rules, self.source = [*others, {model: to}], "db"
        return 200, {"model": model, "fallback_models": to, "fallback_type": "general", "message": "created"}
