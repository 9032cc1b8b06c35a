"""What every test may ask for: the gateway with something on its pages, and visits to it."""

import os
import shutil
from pathlib import Path

import pytest
import stage
from pages import PAGES
from playwright.sync_api import sync_playwright
from visit import SCHEMES, Watch, sign_in

HERE = Path(__file__).parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parents[1] / "target")


def pytest_collection_modifyitems(items):
    """Hostile words last: what they name stays on the pages, and pictures are for people."""
    items.sort(key=lambda item: item.path.name == "test_hostile.py")


@pytest.fixture(scope="session")
def upstream():
    upstream = stage.Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def gateway(upstream, tmp_path_factory):
    routed = {"FARTHING__ROUTING__MODEL_ROUTING": "llama-*=provider:openai"}
    gateway = stage.Gateway(stage.binary(), tmp_path_factory.mktemp("gateway"), routed)
    try:
        yield gateway
        gateway.stop()
    finally:
        gateway.process.kill()
        gateway.process.wait()


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A gateway where nobody has an account; who guesses at its code is not stopped."""
    patient = {"FARTHING__SERVER__FAILURES_PER_MINUTE": "0"}
    with stage.fresh(tmp_path_factory.mktemp("bare"), patient) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def seeded(gateway, upstream):
    return stage.seed(gateway, upstream)


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    assert path, "no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(browser, gateway, seeded):
    """The cookies of an account of each role, which signs in once."""
    known = {None: {"cookies": [], "origins": []}}

    def cookies(role):
        if role not in known:
            with browser.new_context(base_url=gateway.url) as context:
                page = context.new_page()
                sign_in(page, role)
                page.wait_for_url(gateway.url + "/")
                known[role] = context.storage_state()
        return known[role]

    return cookies


@pytest.fixture
def visit(browser, gateway, signed_in):
    """Opens windows: `visit(role, scheme)` gives a page, whose `watch` may be told what to expect. No window may have a fault."""
    opened = []

    def make(role="owner", scheme="light-wide", at=gateway, **more):
        look = {"base_url": at.url, "locale": "en-GB", "timezone_id": "Asia/Kolkata", **SCHEMES[scheme]}
        context = browser.new_context(storage_state=signed_in(role), **look, **more)
        watch = Watch(context, at.url)
        opened.append((context, watch))
        page = context.new_page()
        page.watch = watch
        return page

    yield make
    for context, _ in opened:
        # What was told meanwhile is heard before it closes.
        for page in context.pages:
            page.evaluate("1")
        context.close()
    for _, watch in opened:
        watch.verdict()


@pytest.fixture
def house(gateway, request):
    """Where a page of the list is: `house(entry)`."""
    return lambda entry: request.getfixturevalue("bare") if entry.bare else gateway


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def entry(request):
    return request.param


@pytest.fixture(scope="session")
def screenshots():
    folder = TARGET / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core, which `npm ci` here, or ./test, has installed."""
    place = Path(os.environ.get("FARTHING_AXE") or HERE / "node_modules")
    return (place / "axe-core" / "axe.min.js").read_text()
