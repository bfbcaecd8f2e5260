"""Object stores that Debian packages, on this machine, for a comparison: OpenStack Swift, and Ceph with its gateway.

Concept: each in a folder of its own, on free ports of 127.0.0.1, with its own configuration, as child processes that end with the block;
         of what is installed nothing is used but the programs. Three copies on three devices, one account, one container, and
         the API of Swift. No background daemon that requests do not need, no log: all in their favour.
Gives:   the URL of an empty container, the header that each request needs (name, value), and pids.
Source:  Swift's SAIO ("all in one") guide; Ceph's vstart.sh.
"""
import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse
import uuid

from measure import SERVER, free_ports, wait_for

USER, KEY = "test:tester", "testing"

# --- OpenStack Swift

SWIFT_PACKAGES = "swift-proxy swift-account swift-container swift-object memcached"
SWIFT_PROGRAMS = ("swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "memcached")
KINDS = ("account", "container", "object")

COMMON = """
[swift-hash]
swift_hash_path_prefix = brigade
swift_hash_path_suffix = brigade
[storage-policy:0]
name = three
default = yes
"""
DEFAULTS = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {path}
devices = {path}/disks
mount_check = false
log_level = ERROR
"""
PROXY = DEFAULTS + """
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
"""
STORAGE = DEFAULTS + """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""


@contextlib.contextmanager
def swift(path, devices=3):
    """Each device has an account, a container and an object server; one proxy, whose pipeline is as short as works."""
    os.makedirs(path)
    port, memcached, *ports = free_ports(2 + len(KINDS) * devices)
    pathlib.Path(f"{path}/swift.conf").write_text(COMMON)
    pathlib.Path(f"{path}/proxy.conf").write_text(PROXY.format(port=port, path=path, memcached=memcached))
    with processes(path) as (start, started):
        start("memcached", "-l", "127.0.0.1", "-p", str(memcached), "-U", "0", "-u", "root")
        for kind in KINDS:
            places = [(number, ports.pop()) for number in range(1, devices + 1)]
            build_ring(f"{path}/{kind}.builder", places)
            for number, own in places:
                os.makedirs(f"{path}/disks/d{number}", exist_ok=True)
                pathlib.Path(f"{path}/{kind}{number}.conf").write_text(STORAGE.format(port=own, path=path, kind=kind))
                start(f"swift-{kind}-server", f"{path}/{kind}{number}.conf")
        start("swift-proxy-server", f"{path}/proxy.conf")
        yield *container(port), [process.pid for process in started]


def build_ring(builder, places):
    devices = [("add", f"r1z{number}-127.0.0.1:{port}/d{number}", "1") for number, port in places]
    for words in (("create", "10", "3", "1"), *devices, ("rebalance",)):
        done = subprocess.run(["swift-ring-builder", builder, *words], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: done, with a warning


# --- Ceph

CEPH_PACKAGES = "radosgw ceph-mon ceph-osd"
CEPH_PROGRAMS = ("radosgw", "ceph-mon", "ceph-osd", "ceph")
CEPH = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon}]
mon_initial_members = a
public_addr = 127.0.0.1
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
run_dir = {path}
log_file = /dev/null
mon_cluster_log_file = /dev/null
mon_cluster_log_to_file = false
admin_socket = {path}/$name.asok
osd_pool_default_size = 3
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_memory_target = 1073741824
bluestore_block_size = 8589934592
[mon]
mon_data = {path}/mon
mon_data_avail_crit = 1
[mon.a]
public_addr = [v2:127.0.0.1:{mon}]
[osd]
osd_data = {path}/osd$id
[client.rgw]
rgw_data = {path}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_enable_ops_log = false
"""


@contextlib.contextmanager
def ceph(path, devices=3):
    """A monitor, a BlueStore in a file for each device, a gateway. A machine's ports that OSDs find for themselves are used, too."""
    os.makedirs(f"{path}/rgw")
    mon, port = free_ports(2)
    fsid = str(uuid.uuid4())
    pathlib.Path(f"{path}/conf").write_text(CEPH.format(path=path, fsid=fsid, mon=mon, port=port))

    def do(*command):
        subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "CEPH_CONF": f"{path}/conf"})

    with processes(path) as (start, started):
        do("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{mon}]", "--fsid", fsid, f"{path}/monmap")
        do("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{path}/monmap")
        start("ceph-mon", "-c", f"{path}/conf", "-i", "a", "-f")
        for device in range(devices):
            os.makedirs(f"{path}/osd{device}")
            own = str(uuid.uuid4())
            do("ceph", "osd", "new", own, str(device))
            do("ceph-osd", "--mkfs", "-i", str(device), "--osd-uuid", own)
            start("ceph-osd", "-c", f"{path}/conf", "-i", str(device), "-f")
        start("radosgw", "-c", f"{path}/conf", "-n", "client.rgw", "-f")
        wait_for("the gateway of Ceph", 120, lambda: status("GET", f"http://127.0.0.1:{port}/", {}))
        user = USER.split(":", maxsplit=1)[0]
        for words in (("user", "create", "--display-name", user), ("subuser", "create", "--subuser", USER, "--access", "full",
                                                                   "--key-type", "swift", "--secret", KEY)):
            do("radosgw-admin", "-n", "client.rgw", *words, "--uid", user)
        yield *container(port), [process.pid for process in started]


# --- what both need


def is_here(programs):
    return all(shutil.which(program) for program in programs)


@contextlib.contextmanager
def processes(path):
    """start(*command) starts one on the servers' core; all end with the block."""
    started = []

    def start(*command):
        with open(f"{path}/log", "ab") as log:
            # A session of its own for each: what it forks ends with it. If this script is killed, they die, too.
            started.append(subprocess.Popen([*SERVER, "setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=log, start_new_session=True))

    try:
        yield start, started
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def container(port):
    """Logs in and makes one: its URL, and the header."""
    login = wait_for("a token", 60, lambda: log_in(f"http://127.0.0.1:{port}"))
    url, header = login["X-Storage-Url"] + "/media", ("X-Auth-Token", login["X-Auth-Token"])
    wait_for("a container", 60, lambda: status("PUT", url, dict([header])) in (201, 202))
    return url, header


def log_in(base):
    answer = ask("GET", f"{base}/auth/v1.0", {"X-Auth-User": USER, "X-Auth-Key": KEY})
    return answer.headers if answer and answer.status in (200, 204) else None


def status(method, url, headers):
    answer = ask(method, url, headers)
    return answer.status if answer else 0


def ask(method, url, headers):
    """The answer without its body; None if nobody answers."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, parts.path, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
