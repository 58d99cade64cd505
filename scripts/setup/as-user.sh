#!/bin/sh
# Joins a delegated cgroup and runs a command as an unprivileged user, for good.
#
#   as-user.sh USER CGROUP CHECKOUT VISIBLE COMMAND ARG…
#     USER      whose privileges to take on; - stays who we are
#     CGROUP    leaf to join; `own` makes a leaf in the cgroup we are in (systemd's Delegate=yes) and gives that to USER; - for none
#     CHECKOUT  the project's directory
#     VISIBLE   where to show it to USER, in a mount namespace that was made for this; - when USER can read CHECKOUT
set -eu
user=$1 cgroup=$2 checkout=$3 visible=$4
shift 4

if [ "$cgroup" = own ]; then
  cgroup=-
  top=$(while read -r _ directory type _; do [ "$type" = cgroup2 ] && echo "$directory" && break; done </proc/self/mounts)
  here=$top$(sed -n 's/^0:://p' /proc/self/cgroup)
  if mkdir "$here/init" 2>/dev/null; then
    cgroup=$here/init
    if [ "$user" != - ]; then
      chown "$user:" "$here" "$here"/cgroup.procs "$here"/cgroup.subtree_control "$here"/cgroup.threads "$cgroup" "$cgroup"/cgroup.procs
    fi
  fi
fi
if [ "$cgroup" != - ]; then
  echo $$ >"$cgroup/cgroup.procs"
fi

if [ "$visible" != - ]; then
  mount --bind "$checkout" "$visible"
  checkout=$visible
fi
cd "$checkout"

if [ "$user" = - ]; then exec "$@"; fi
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all "$@"
