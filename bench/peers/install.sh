#!/usr/bin/env bash
# install.sh FOLDER (as root): unpacks rootless containerd, crun, runc, RootlessKit, CNI plugins and podman from Debian's packages into FOLDER,
# beside the system and not into it. They are built for a newer C library than a stable Debian has, so theirs comes along and the
# dynamically linked ones are pointed at it. Nothing is done when FOLDER/ready is there.
set -euo pipefail
folder=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)
[ -e "$folder/ready" ] && exit 0

missing=()
for pair in patchelf:patchelf slirp4netns:slirp4netns iptables:iptables newuidmap:uidmap gcc:gcc; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -q >/dev/null
  apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$folder"/{bin,cni,root,apt/state/lists/partial,apt/cache/archives/partial}
# The mirror that this machine already uses, another suite, and an apt state of its own.
mirror=$({ sed -nE 's/^URIs: *([^ ]*debian)\/?$/\1/p; s/^deb (\[[^]]*\] )?([^ ]*debian)\/? .*/\2/p' \
  /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } | head -n 1)
[ -n "$mirror" ] || { echo "no Debian mirror in the apt sources: the peers come from Debian's packages" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$folder/apt/sources.list"
: >"$folder/apt/status"
private=(-o Dir::Etc::sourcelist="$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$folder/apt/state"
  -o Dir::State::status="$folder/apt/status" -o Dir::State::lists="$folder/apt/state/lists" -o Dir::Cache="$folder/apt/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${private[@]}" -q update >/dev/null
apt-get "${private[@]}" -y -q --download-only --no-install-recommends install \
  containerd crun runc rootlesskit containernetworking-plugins podman conmon netavark >/dev/null
for package in "$folder"/apt/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done

loader=$(find "$folder/root" -name 'ld-linux-*.so.2' -o -name 'ld-linux-*.so.1' | head -n 1)
libraries=$(dirname "$(find "$folder/root/usr/lib" -name libc.so.6 | head -n 1)")
for program in containerd containerd-shim-runc-v2 crun runc rootlesskit podman conmon netavark; do
  file=$(find "$folder/root/usr" -name "$program" -type f -perm -1 | head -n 1)
  [ -n "$file" ] || { echo "package without $program" >&2; exit 1; }
  cp "$file" "$folder/bin/"
done
for program in crun runc podman conmon netavark; do
  patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$folder/bin/$program" 2>/dev/null || true
done
cp "$folder"/root/usr/lib/cni/{bridge,firewall,host-local,loopback,portmap,tuning} "$folder/cni/"
gcc -O2 -static -Wall -DRUNTIME="\"$folder/bin/crun\"" -o "$folder/bin/crun-without-resources" "$here/without-resources.c"
gcc -O2 -static -Wall -o "$folder/bin/pause" "$here/pause.c"
{ containerd=$("$folder/bin/containerd" --version | awk '{print $3}'); podman=$("$folder/bin/podman" --version | awk '{print $3}')
  crun=$("$folder/bin/crun" --version | awk 'NR==1{print $3}'); rootlesskit=$("$folder/bin/rootlesskit" --version | awk '{print $3}')
  printf '{"containerd":"%s","crun":"%s","rootlesskit":"%s","podman":"%s"}\n' "$containerd" "$crun" "$rootlesskit" "$podman"; } >"$folder/versions.json"
rm -rf "$folder/apt"
chmod -R go+rX "$folder"
touch "$folder/ready"
