"""deploy/nginx.conf as it is deployed, on ports and with files of a test's own."""

import os
import re
import shutil
from pathlib import Path

HOST = "gongshi.example"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "nginx.conf"
SERVER = re.compile(r"server unix:/run/portal/web\.sock")


def configuration(folder: Path, port: int, *upstreams: str, tls: bool = False, user: str = "root") -> str:
    """In front of `upstreams` ("unix:…" or "127.0.0.1:8000"); with `tls`, the certificate is `folder`/site.pem. Started by
    root, its workers are of that `user`."""
    site = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", DEPLOYED.read_text(), flags=re.DOTALL)
    site = re.sub(r" *listen \[::\].*\n", "", site)
    if tls:
        site = re.sub(r"/etc/ssl/portal/\S+\.pem", f"{folder}/site.pem", site)
        site = site.replace("listen 443", f"listen 127.0.0.1:{port}")
    else:
        site = re.sub(r" *ssl_.*\n", "", site).replace(
            "listen 443 ssl http2", f"listen 127.0.0.1:{port} default_server"
        )
    line = re.search(r"^ *server unix:/run/portal/web\.sock.*\n", site, re.M)[0]
    site = site.replace(line, "".join(line.replace("unix:/run/portal/web.sock", each) for each in upstreams))
    site = site.replace("/var/www/portal/", f"{folder}/static/").replace("/var/lib/nginx", str(folder))
    site = site.replace("/srv/portal/", f"{DEPLOYED.parents[1]}/")
    user = f"user {user};" if os.geteuid() == 0 else ""  # root: who may read the folder of a test
    paths = "".join(
        f"{each}_temp_path {folder}/{each}; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    basics = f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{ worker_connections 4096; }}"
    return f"{basics} http {{ access_log off; sendfile on; tcp_nopush on; default_type text/html; keepalive_requests 1000000; {paths} {site} }}"
