"""The files that start a gateway (deploy/): each is what its kind is read as, and they agree with the image and with the program."""

import re
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from door import binary

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
UNIT = (ROOT / "deploy/farthing.service").read_text()
PAGE = (ROOT / "docs/containers.md").read_text()
OBJECTS = {one["kind"]: one for one in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())}
SERVICE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["farthing"]
POD = OBJECTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
GIBIBYTE = 1 << 30
# server.shutdown_grace_seconds, what ends what was cut, and the last bytes: src/app.rs.
NEEDED_TO_STOP = 60 + 5 + 3
KUBERNETES = "1.33"


def setting(name):
    """What the image's own environment says."""
    return re.search(rf"\b{name}=(\S+)", CONTAINERFILE)[1]


@pytest.mark.parametrize("kind", OBJECTS)
def test_kubernetes_knows_every_field(kind):
    kubernetes_validate.validate(OBJECTS[kind], KUBERNETES, strict=True)


def test_the_pod_is_restricted():
    """The Pod Security Standard of that name, and a root that cannot be written."""
    security, own = POD["securityContext"], CONTAINER["securityContext"]
    user = int(re.search(r"^USER (\d+):\1$", CONTAINERFILE, re.MULTILINE)[1])
    assert security["runAsNonRoot"] and security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == user
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert not POD.get("hostNetwork") and not POD["automountServiceAccountToken"]
    assert not {"hostPath"} & {key for volume in POD["volumes"] for key in volume}


def test_one_writer_has_the_volume_and_time_to_stop():
    deployment = OBJECTS["Deployment"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert OBJECTS["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    patience = [POD["terminationGracePeriodSeconds"], int(SERVICE["stop_grace_period"].rstrip("s")), int(found(r"^TimeoutStopSec=(\d+)$"))]
    assert all(seconds > NEEDED_TO_STOP for seconds in patience), patience


def found(pattern):
    return re.search(pattern, UNIT, re.MULTILINE)[1]


def test_limits_are_set_and_what_cannot_be_seen_is_told():
    assert CONTAINER["resources"]["limits"].keys() == {"cpu", "memory"}
    assert all(SERVICE.get(limit) for limit in ("mem_limit", "cpus", "pids_limit"))
    assert (found(r"^MemoryMax=(.+)$"), int(found(r"MEMORY_LIMIT_BYTES=(\d+)$"))) == ("1G", GIBIBYTE)


def test_compose_shuts_it_in_as_the_page_does():
    assert (SERVICE["read_only"], SERVICE["cap_drop"], SERVICE["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert SERVICE["user"] in CONTAINERFILE and SERVICE["image"] == CONTAINER["image"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"]), "what ends TLS is on this machine"
    run = re.search(r"^docker run (?:.+\\\n)+", PAGE, re.MULTILINE)[0]
    for option in ("--user 65532:65532", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--memory", "--pids-limit"):
        assert option in run, option


def test_only_what_the_network_policy_lists_goes_out():
    policy = OBJECTS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("from") and rule.get("ports") for rule in policy["ingress"])
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443}
    blocks = [to["ipBlock"] for rule in policy["egress"] for to in rule["to"] if "ipBlock" in to]
    assert {"169.254.0.0/16", "10.0.0.0/8", "fc00::/7"} <= {out for block in blocks for out in block["except"]}


def test_the_data_are_where_the_volume_is():
    assert setting("FARTHING__DATA_DIR") == "/data"
    given = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    assert given["FARTHING__DATA_DIR"].startswith("/data/")
    assert "/data" in [mount["mountPath"] for mount in CONTAINER["volumeMounts"]] and SERVICE["volumes"] == ["data:/data"]


@pytest.mark.parametrize("environment", [SERVICE["environment"], {entry["name"]: entry["value"] for entry in CONTAINER["env"]}])
def test_every_setting_in_them_is_one(environment, tmp_path):
    """`farthing check` knows them all; secrets are looked for where the files are mounted."""
    (tmp_path / "secrets").mkdir()
    here = {name: re.sub(r"^file:/run/secrets(/farthing)?", f"file:{tmp_path}/secrets", value) for name, value in environment.items()}
    for number, name in enumerate(["session_secret", "master_encryption_key", "management_token"]):
        (tmp_path / "secrets" / name).write_text(f"{number}QIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")
    here |= {"FARTHING__SERVER__LISTEN": setting("FARTHING__SERVER__LISTEN")}
    checked = subprocess.run([binary(), "check"], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert checked.returncode == 0, checked


def test_systemd_reads_the_unit_and_finds_it_well_shut_in(tmp_path):
    unit = tmp_path / "farthing.service"
    unit.write_text(UNIT.replace("/usr/local/bin/farthing", str(Path(binary()).resolve())))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, ""), verified
    exposure = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit]
    rated = subprocess.run(exposure, capture_output=True, text=True)
    assert rated.returncode == 0, rated.stdout
    print(rated.stdout)
