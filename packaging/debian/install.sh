#!/bin/sh
# Installs the gateway and ffmpeg from this folder, without a network:      sudo sh install.sh
# 离线安装网关与 ffmpeg：      sudo sh install.sh
set -eu
cd "$(dirname "$0")"
here=$PWD
stop() { printf '%s\n' "$@" >&2; exit 1; }
[ "$(id -u)" = 0 ] || stop 'this is for root: sudo sh install.sh' '需要 root 权限：sudo sh install.sh'
own=$(dpkg --print-architecture)
ls packages/campus-gateway_*_"$own".deb >/dev/null 2>&1 ||
  stop "this bundle is not for $own: take the other one" "此安装包不适用于 $own：请使用对应的安装包"
sha256sum --quiet --check SHA256SUMS ||
  stop 'the bundle is damaged: copy it here again' '安装包已损坏：请重新复制'

# apt with sources and lists of its own: this folder is all that it knows. It takes what the machine lacks, and checks each
# package against the index.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
ln -s "$here/packages" "$work/packages"
echo "deb [trusted=yes] file:$work/packages ./" > "$work/sources.list"
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
apt install -y --no-remove --no-install-recommends -o Dpkg::Options::=--force-confold campus-gateway ffmpeg
guide=$(/usr/lib/campus-gateway/guide)
echo "installed; what comes next: $guide"
echo "安装完成；后续步骤见 $guide"
