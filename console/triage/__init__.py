"""From a symptom to weighed causes: pick the playbooks that fit, run them, put their findings together."""

from console.triage.diagnose import diagnose, with_plans
from console.triage.investigate import investigate
from console.triage.triggers import standing

__all__ = ["diagnose", "investigate", "standing", "with_plans"]
