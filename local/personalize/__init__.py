"""Amazon Personalize's API on this machine: control plane, runtime and events, with models that really learn."""

from local.personalize.service import PersonalizeService

__all__ = ["PersonalizeService"]
