"""The management API of the built gateway (FARTHING_BIN) held against its own description, and /metrics read as Prometheus reads it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))

from gateway import Gateway, binary, furnish  # noqa: E402
from upstream import Upstream  # noqa: E402

SEED = os.environ.get("FARTHING_SEED", "20261126")
CASES = os.environ.get("FARTHING_CONTRACT_CASES", "10")
CHECKS = (
    "not_a_server_error,status_code_conformance,response_schema_conformance,content_type_conformance,"
    "negative_data_rejection,ignored_auth"
)
# Things that are there, so that their routes are not only asked about what is not.
LISTED = {"providers": "prv_", "models": "mdl_", "groups": "grp_", "projects": "prj_", "keys": "key_", "requests": "req_"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    upstream = Upstream()
    # Wrong credentials are part of it.
    settings = {"FARTHING__SERVER__FAILURES_PER_MINUTE": "0"}
    gateway = Gateway(binary(), tmp_path_factory.mktemp("contract"), settings)
    try:
        furnish(gateway, upstream)
        model = gateway.call("GET", "/api/models")[1]["data"][0]["name"]
        gateway.create("/api/groups", {"name": "both", "strategy": "ordered", "targets": [{"model": model}]})
        yield gateway
        gateway.stop()
    finally:
        gateway.process.kill()
        gateway.process.wait()
        upstream.stop()


def known(gateway):
    """Settings for schemathesis: ids that exist, for routes that take nothing away."""
    lines = []
    for noun in LISTED:
        data = gateway.call("GET", f"/api/{noun}")[1]["data"]
        if not data:
            continue
        for method in ("GET", "PATCH", "PUT"):
            lines += ["[[operations]]", f'include-name = "{method} /api/{noun}/{{id}}"']
            lines += [f'parameters = {{ "path.id" = "{data[0]["id"]}" }}', ""]
    return "\n".join(lines)


def test_the_api_keeps_its_own_contract(gateway, tmp_path):
    status, document = gateway.call("GET", "/api/openapi.json")
    assert status == 200
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(known(gateway))
    command = [Path(sys.executable).parent / "schemathesis", "run", "openapi.json", "--url", gateway.url]
    command += ["--include-path-regex", "^/(api/|live|ready|health|metrics)"]
    command += ["--header", f"Authorization: Bearer {gateway.token}", "--checks", CHECKS]
    command += ["--phases", "coverage,fuzzing", "--seed", SEED, "--max-examples", CASES, "--generation-database", "none"]
    command += ["--continue-on-failure", "--warnings", "off", "--no-color"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SCHEMATHESIS_HOOKS": ""}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    print(run.stdout[-4000:])
    assert run.returncode == 0, f"seed {SEED}:\n{run.stdout}\n{run.stderr}"
    assert "No issues found" in run.stdout, run.stdout


def test_prometheus_reads_the_metrics(gateway):
    status, text = gateway.call("GET", "/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    requests = families["farthing_requests"]
    assert requests.type == "counter" and sum(sample.value for sample in requests.samples) > 1
    actors = {sample.labels["actor"]: sample.value for sample in families["farthing_actor_alive"].samples}
    assert actors["ledger"] == 1 and all(alive == 1 for alive in actors.values())
    assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000
    assert all(family.documentation for family in families.values())
