"""The image's last stage, built around the release binary, and run as shut in as docs/containers.md says is enough."""

import base64
import json
import re
import resource
import secrets
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
from door import PRICES, Door, Upstream, binary, until

ROOT = Path(__file__).parents[2]
CONTAINERFILE = ROOT / "Containerfile"
USER = 65532
MODEL = "gpt-4o-mini"
# What may be in the image besides folders.
LIBRARIES = re.compile(r"lib(64)?/([a-z0-9_-]+/)?(ld-linux[a-z0-9.-]*|lib(c|m|gcc_s)\.so\.\d+)")
OTHERS = {"usr/bin/farthing", "etc/nsswitch.conf", "etc/os-release", "var/lib/dpkg/status"}
# Of the first stage, which needs another image, only what it hands over is made here.
LAST_STAGE = CONTAINERFILE.read_text().rpartition("\nFROM scratch\n")


class Podman:
    """Podman with a storage of its own, whatever else is on the machine."""

    def __init__(self, home):
        self.home = home
        self.command = ["podman", f"--root={home}/storage", f"--runroot={home}/run", "--storage-driver=vfs", "--cgroup-manager=cgroupfs"]
        # Of the two runtimes Debian has, the one that gets on with both versions of control groups.
        self.command += ["--runtime=runc"]

    def __call__(self, *arguments, status=0, typed=""):
        ran = subprocess.run([*self.command, *arguments], input=typed, capture_output=True, text=True, timeout=120)
        assert status is None or ran.returncode == status, (arguments, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout.strip() if status == 0 else ran.stdout + ran.stderr

    def removed(self):
        """Whether no container is left. The runtime's own helper may still hold what one that has just ended had mounted."""
        self("rm", "--all", "--force", "--time=0", status=None)
        return not self("ps", "--all", "--quiet") and str(self.home) not in Path("/proc/self/mountinfo").read_text()

    def inspect(self, what, field):
        return json.loads(self("inspect", what, "--format", "{{json " + field + "}}"))


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    home = tmp_path_factory.mktemp("image")
    podman = Podman(home)
    stage = home / "stage"
    stage.mkdir()
    subprocess.run([ROOT / "deploy/image-root", binary(), stage / "image"], check=True)
    (home / "Containerfile").write_text("FROM scratch\n" + LAST_STAGE[2])
    (home / "empty").mkdir()
    podman("build", "--layers=false", f"--build-context=build={stage}", f"--file={home}/Containerfile", "--tag=farthing", f"{home}/empty")
    yield podman
    until("every container is removed", podman.removed)
    podman("volume", "rm", "--all", "--force")
    podman("rmi", "--all", "--force")


def saved(podman, image, folder):
    """All that is in an image, by its path."""
    podman("save", "--format=docker-archive", f"--output={folder}/image.tar", image)
    members = {}
    with tarfile.open(folder / "image.tar") as archive:
        for name in json.load(archive.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                members |= {member.name.strip("/"): member for member in layer}
    return members


@pytest.fixture
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


def test_the_first_stage_hands_over_what_was_made_here():
    first = LAST_STAGE[0]
    assert "cargo build --release --locked && deploy/image-root target/release/farthing /image" in first
    wanted = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    assert re.search(r"^FROM \S+:(\d+\.\d+)\.\d+-\S+ AS build$", first, re.MULTILINE)[1] == wanted


def test_the_build_gets_what_it_needs_and_nothing_that_is_secret(podman, tmp_path):
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY . /src/\n")
    podman("build", "--layers=false", f"--file={tmp_path}/Containerfile", "--tag=context", str(ROOT))
    members = saved(podman, "context", tmp_path)
    tops = {name.split("/")[1] for name in members if "/" in name}
    assert tops == {"Cargo.toml", "Cargo.lock", "actors", "benches", "data", "deploy", "migrations", "src", "static", "templates", "tests"}
    assert not [name for name in members if re.search(r"/\.|/target/|/node_modules|\.db$|^src/tests/(?!support)", name)]
    with tarfile.open(tmp_path / "image.tar") as image:
        for name in json.load(image.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                layer.extractall(tmp_path, filter="data")
    # Every target that the manifests name is there, and the lock file is theirs.
    told = ["cargo", "metadata", "--locked", "--offline", "--format-version=1"]
    subprocess.run(told, cwd=tmp_path / "src", check=True, stdout=subprocess.DEVNULL)


def test_it_holds_the_binary_and_its_libraries_and_nothing_else(podman, tmp_path):
    members = saved(podman, "farthing", tmp_path)
    files = {name: member for name, member in members.items() if not member.isdir()}
    assert all(name in OTHERS or LIBRARIES.fullmatch(name) for name in files), sorted(files)
    assert OTHERS <= files.keys() and len(files) > len(OTHERS)
    data = members.pop("data")
    assert (data.uid, data.gid, data.mode & 0o7777) == (USER, USER, 0o700)
    for name, member in members.items():
        assert (member.uid, member.gid, member.mode & 0o7022) == (0, 0, 0), (name, oct(member.mode))


def test_it_says_what_it_is(podman):
    said = podman.inspect("farthing", ".Config")
    assert (said["User"], said["Entrypoint"], said["Cmd"]) == (f"{USER}:{USER}", ["/usr/bin/farthing"], ["serve"])
    assert (said["StopSignal"], list(said["Volumes"])) == ("SIGTERM", ["/data"])
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    label = lambda name: said["Labels"][f"org.opencontainers.image.{name}"]
    assert (label("version"), label("licenses")) == (package["version"], package["license"])


def limits():
    """As many files as we may have ourselves: the default is more than everybody may hand on."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return [f"--ulimit=nofile={min(most, 1024)}:{most}", "--ulimit=nproc=4096:4096"]


SHUT_IN = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
SHUT_IN += ["--passwd=false"]
NAMES = ["SESSION_SECRET", "MASTER_ENCRYPTION_KEY", "MANAGEMENT_TOKEN"]


def secret_files(folder):
    """Makes the three secrets in a folder, and says how a container gets them."""
    folder.mkdir()
    for name in NAMES:
        (folder / name.lower()).write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return [f"--volume={folder}:/run/secrets:ro", *(f"--env={name}=file:/run/secrets/{name.lower()}" for name in NAMES)]


class Container(Door):
    """A gateway in the image, with its data in a volume and its secrets in files."""

    def __init__(self, podman, folder, volume, options):
        self.podman = podman
        self.name = f"farthing-{secrets.token_hex(4)}"
        given = secret_files(folder)
        self.secret = (folder / "management_token").read_text()
        # The network is the machine's, so it takes a free port on loopback.
        given += ["--env=FARTHING__SERVER__LISTEN=127.0.0.1:0", "--env=FARTHING__CATALOGUE__URL="]
        self.volume = f"{self.name}-data"
        given += [f"--volume={self.volume}:/data{volume}", "--add-host=upstream.example:127.0.0.1"]
        podman("run", "--detach", f"--name={self.name}", "--network=host", *limits(), *SHUT_IN, *given, *options, "farthing")
        super().__init__(until("it wrote its address", self.address))
        self.until_ready()

    def address(self):
        assert self.podman.inspect(self.name, ".State.Running"), self.podman("logs", self.name, status=None)
        written = Path(self.podman("volume", "inspect", self.volume, "--format", "{{.Mountpoint}}")) / "address"
        found = written.read_text().strip() if written.exists() else ""
        return found and f"http://{found}"

    def token(self):
        return self.secret

    def kernel(self, file):
        """What the kernel says of the process."""
        return (Path("/proc") / str(self.podman.inspect(self.name, ".State.Pid")) / file).read_text().splitlines()

    def status(self):
        return {name: value.strip() for name, _, value in (line.partition(":") for line in self.kernel("status"))}

    def writable(self):
        """Where something is mounted that is not read-only, but for what the kernel shows and the runtime's devices."""
        mounts = [line.split() for line in self.kernel("mountinfo")]
        return {mount[4] for mount in mounts if "rw" in mount[5].split(",") and not mount[4].startswith(("/proc", "/sys", "/dev"))}

    def memory_limit(self):
        """The limit as the program finds it in the container: src/app/memory.rs."""
        inside = Path("/proc") / str(self.podman.inspect(self.name, ".State.Pid")) / "root/sys/fs/cgroup"
        files = [inside / "memory.max", inside / "memory/memory.limit_in_bytes"]
        return int(next(file for file in files if file.exists()).read_text())

    def command(self, *arguments):
        return self.podman("exec", f"--env=FARTHING_URL={self.url}", self.name, "farthing", *arguments)


# The first id of a range that is nobody's.
OUTSIDE = 200_000
NAMESPACE = [f"--uidmap=0:{OUTSIDE}:65536", f"--gidmap=0:{OUTSIDE}:65536"]


WAYS = {"as the page says": ("", USER), "in a user namespace": (":U", OUTSIDE + USER), "with the unit's system calls": ("", USER)}
MEMORY = 512 << 20


@pytest.mark.parametrize("how", WAYS)
def test_shut_in_it_serves_and_writes_into_its_volume_alone(podman, upstream, tmp_path, how):
    volume, uid = WAYS[how]
    options = {
        "as the page says": [f"--memory={MEMORY}b", "--pids-limit=1024"],
        "in a user namespace": NAMESPACE,
        "with the unit's system calls": [f"--security-opt=seccomp={unit_filter(tmp_path)}"],
    }
    there = Container(podman, tmp_path / "secrets", volume, options[how])
    if how == "as the page says":
        assert there.memory_limit() == MEMORY
    confined = there.status()
    assert confined["Uid"].split() == [str(uid)] * 4
    assert {confined[name].strip("0") for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
    assert (confined["NoNewPrivs"], confined["Seccomp"]) == ("1", "2")
    assert int(confined["Threads"]) < 64
    assert there.writable() == {"/data"}

    # A name from the hosts file, so the resolver is asked, and a stream as well as a whole answer.
    at = {"base_url": upstream.base_url.replace("127.0.0.1", "upstream.example"), "allow_private_network": True}
    there.create("/api/providers", {"name": "openai", "kind": "openai", "api_key": "sk-up-0123456789abcdef", **at})
    there.create("/api/models", {"name": MODEL, "provider": "openai", "upstream_model": "plain", "prices": PRICES})
    there.create("/api/projects", {"name": "team-a"})
    key = there.create("/api/keys", {"project": "team-a", "name": "ci"})["key"]
    assert there.ask(key, MODEL)[0] == 200
    status, stream = there.ask(key, MODEL, stream=True)
    assert status == 200 and b"[DONE]" in stream

    # The command line in it, and what needs temporary files.
    backup = json.loads(there.command("--json", "backup", "create"))
    assert backup["verified"] and backup["entries"] == 2
    assert "balance: 2 entries" in there.command("ledger", "verify")
    assert "openai" in there.command("provider", "list")

    # The folder where the runtime mounts the hosts file; nothing in it.
    assert podman("diff", there.name) in ("", "C /etc"), "nothing but the volume is written"
    podman("stop", "--time=60", there.name)
    assert podman.inspect(there.name, ".State.ExitCode") == 0
    assert "panicked" not in podman("logs", there.name, status=None)


def unit_filter(folder):
    """A seccomp profile with the system calls and address families that deploy/farthing.service allows, and no others."""
    unit = (ROOT / "deploy/farthing.service").read_text()
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE):
        members = {call for group in line.lstrip("~").split() for call in expand(group)}
        allowed = allowed - members if line.startswith("~") else allowed | members
    families = re.search(r"^RestrictAddressFamilies=(.+)$", unit, re.MULTILINE)[1].split()
    numbers = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
    rules = [{"names": sorted(allowed - {"socket"}), "action": "SCMP_ACT_ALLOW"}]
    for family in families:
        only = {"index": 0, "value": numbers[family], "op": "SCMP_CMP_EQ"}
        rules.append({"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [only]})
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "archMap": [], "syscalls": rules}
    file = folder / "unit.json"
    file.write_text(json.dumps(profile))
    return file


def expand(group):
    """The system calls of a group of systemd's, those of groups in it included."""
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True).stdout
    names = {line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")}
    return {call for name in names for call in expand(name)}


def test_without_a_word_of_tls_it_does_not_start(podman, tmp_path):
    given = secret_files(tmp_path / "secrets")
    refused = podman("run", "--rm", "--network=none", *limits(), *SHUT_IN, *given, "farthing", status=1)
    assert "has a fault:" in refused and "server.behind_proxy" in refused, refused


def test_told_of_a_proxy_it_serves_where_the_image_says_and_its_own_command_line_finds_it(podman, tmp_path):
    given = [*secret_files(tmp_path / "secrets"), "--env=FARTHING__SERVER__BEHIND_PROXY=true", "--env=FARTHING__CATALOGUE__URL="]
    podman("run", "--detach", "--name=alone", "--network=none", *limits(), *SHUT_IN, *given, "farthing")
    command = lambda *words, **more: podman("exec", "--interactive", "alone", "farthing", *words, **more)
    until("it serves", lambda: command("--json", "system", "health", status=None).startswith("{"))
    made = command("user", "create", "mia", "--role", "owner", "--password-file", "-", typed="two kettles on a frozen lake")
    assert "mia" in made and "mia" in command("user", "list")
    assert "the books balance" in command("ledger", "verify")
    podman("stop", "--time=60", "alone")
    assert podman.inspect("alone", ".State.ExitCode") == 0
