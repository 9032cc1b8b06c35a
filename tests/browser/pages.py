"""Every page there is. A page that is added here is opened by all that looks at every page: axe, screenshots, narrow, dark,
without scripts, full of hostile names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    # With `{model}` and the like where the id of something stands that `stage.seed` made; so in the heading, by its name.
    path: str
    heading: str
    # The least role it opens for; None for strangers.
    role: str | None = "viewer"

    @property
    def name(self):
        """What its screenshots are called."""
        words = self.path.strip("/").replace("{", "").replace("}", "")
        return words.replace("/", "-") or "overview"


PAGES = [
    Page("/sign-in", "Farthing", None),
    Page("/", "Overview"),
    Page("/requests", "Requests"),
    Page("/requests/{request}", "{model}"),
    Page("/usage", "Usage"),
    Page("/costs", "Costs"),
    Page("/projects", "Projects"),
    Page("/projects/{project}", "{project}"),
    Page("/keys", "Keys"),
    Page("/keys/{key}", "{key}"),
    Page("/playground", "Playground", "owner"),
    Page("/models", "Models"),
    Page("/models/{model}", "{model}"),
    Page("/providers", "Providers"),
    Page("/providers/{provider}", "{provider}"),
    Page("/system", "System", "owner"),
    Page("/users", "Users", "owner"),
    Page("/users/{user}", "{user}", "owner"),
    Page("/sessions", "Sessions"),
    Page("/audit", "Audit", "owner"),
    Page("/audit/{event}", "{event}", "owner"),
    Page("/audit/verify", "The chain", "owner"),
    Page("/account", "Your account"),
    Page("/api/docs", "Farthing's API"),
]
