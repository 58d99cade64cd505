#!/bin/sh
# Turns a bare Debian tree into the VM's disk: called by mmdebstrap, as the tree's root.
#
#   customize.sh TREE OUT OFFSET      leaves OUT/vmlinuz and OUT/disk.img, in which the file system begins after OFFSET bytes
set -eu
tree=$1 out=$2 offset=$3
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"

# The kernel alone: installed as a package it would make an initramfs, which nobody needs: NVMe, ext4 and the console are built in.
work=$tree/kernel
mkdir "$work"
cd "$work"
apt-get download "$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p')"
dpkg-deb --extract ./linux-image-*.deb .
cp boot/vmlinuz-* "$out/vmlinuz"
version=$(ls usr/lib/modules)
mkdir -p "$tree/usr/lib/modules"
mv "usr/lib/modules/$version" "$tree/usr/lib/modules/"
cd /
rm -r "$work"
# Unpacking xz is slow in an emulated machine.
find "$tree/usr/lib/modules" -name '*.ko.xz' -exec unxz {} +
chroot "$tree" depmod "$version"
printf '%s\n' overlay tun veth bridge nf_tables nft_chain_nat nft_masq nft_ct virtio_net >"$tree/etc/modules-load.d/lichen.conf"

# The user: an ordinary one whose systemd is always there, and who may become root for what an administrator does.
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash lichen
for file in subuid subgid; do echo lichen:100000:1048576 >"$tree/etc/$file"; done
mkdir -p "$tree/var/lib/systemd/linger"
touch "$tree/var/lib/systemd/linger/lichen"
echo 'lichen ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/lichen"
chmod 0440 "$tree/etc/sudoers.d/lichen"

# Every controller for the users' systemd, which by itself hands on only cpu, memory and pids.
mkdir -p "$tree/etc/systemd/system/user@.service.d"
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$tree/etc/systemd/system/user@.service.d/lichen.conf"

# Of the AppArmor profiles only those of programs that lichen starts: each takes a second to compile here.
find "$tree/etc/apparmor.d" -maxdepth 1 -type f ! -name '*passt*' ! -name '*pasta*' ! -name '*slirp4netns*' -delete

# For the starts with SELinux: a policy of a few lines, so that the disk needs no labels and everything but containers is left alone.
policy=$tree/etc/selinux/lichen
mkdir -p "$policy/policy" "$policy/contexts/files"
cp "$(dirname "$0")/selinux.cil" "$policy/policy.cil"
chroot "$tree" secilc --policyvers=33 --output=/etc/selinux/lichen/policy/policy.33 --filecontext=/dev/null /etc/selinux/lichen/policy.cil
printf 'SELINUX=enforcing\nSELINUXTYPE=lichen\n' >"$tree/etc/selinux/config"
echo '/.* system_u:object_r:base_t:s0' >"$policy/contexts/files/file_contexts"
echo '__default__:system_u:s0-s0:c0.c3' >"$policy/seusers"
echo 'system_r:base_t:s0 system_r:base_t:s0' >"$policy/contexts/default_contexts"
echo 'system_r:base_t:s0' >"$policy/contexts/failsafe_context"

echo lichen-vm >"$tree/etc/hostname"
echo '127.0.0.1 localhost lichen-vm' >"$tree/etc/hosts"
echo 'nameserver 10.0.2.3' >"$tree/etc/resolv.conf"
echo 'LABEL=lichen-job /job ext4 ro,nofail 0 0' >"$tree/etc/fstab"
mkdir "$tree/job"
cat >"$tree/etc/systemd/network/wired.network" <<'END'
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
END
mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
cat >"$tree/etc/systemd/system/lichen-job.service" <<'END'
[Unit]
Description=What this machine was started for
Wants=user@1000.service
After=user@1000.service systemd-user-sessions.service apparmor.service
RequiresMountsFor=/job
SuccessAction=poweroff-immediate
FailureAction=poweroff-immediate
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh /job/start
StandardOutput=tty
StandardError=inherit
TTYPath=/dev/hvc0
[Install]
WantedBy=multi-user.target
END
chroot "$tree" systemctl --quiet enable lichen-job.service systemd-networkd.service
chroot "$tree" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-networkd-wait-online.service getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service ldconfig.service \
  systemd-journal-catalog-update.service systemd-hwdb-update.service systemd-update-done.service man-db.timer

rm -rf "$tree"/usr/share/doc/* "$tree"/usr/share/man/* "$tree"/usr/share/locale/* "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/*
# The tree has /proc and /sys mounted in it here: a bind mount of it alone has not.
bare=$(mktemp -d)
unshare --mount sh -euc 'mount --bind "$1" "$2" && mke2fs -q -t ext4 -L lichen-root -m 0 -E "offset=$3" -d "$2" "$4" 3G' \
  make "$tree" "$bare" "$offset" "$out/disk.img"
rmdir "$bare"
