"""Every page there is. A page that is added here is opened by all that looks at every page: axe, screenshots, narrow, dark,
without scripts, full of hostile names. What only a form leads to is in test_answers.py."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    # With `{model}` and the like where the id of something stands that `stage.seed` made; so in the heading, by its name.
    path: str
    heading: str
    # The least role it opens for; None for strangers.
    role: str | None = "viewer"
    # Whether it opens so for that role alone.
    alone: bool = False
    # Whether it is there only where nobody has an account yet.
    bare: bool = False
    status: int = 200

    @property
    def name(self):
        """What its screenshots are called."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("/", "-") or "overview"
        return f"{words}{'-bare' * self.bare}{f'-{self.status}' if self.status != 200 else ''}"

    def seen_by(self, other):
        """Who looks at it, if `other` may look at everything."""
        return self.role if self.alone or self.role is None else other or self.role


PAGES = [
    Page("/sign-in", "Farthing", None),
    Page("/sign-in", "Farthing", None, bare=True),
    Page("/set-up", "Farthing", None, bare=True),
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
    Page("/models/groups/{group}", "{group}"),
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
    Page("/keys/key_018f3c5a7d2e7b1c9a4e5f60718293a4", "There is nothing here", status=404),
    Page("/users", "This is not for you", alone=True, status=403),
]
